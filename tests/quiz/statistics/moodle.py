"""
Published inputs and results of item statistics, to compare with: 25 attempts at 7 questions.

The figures were computed in a spreadsheet by the authors of Moodle's statistics report, apart from its code.

Source: github.com/moodle/moodle, mod/quiz/report/statistics/tests: the marks of fixtures/results00.csv, the
answers of fixtures/steps00.csv, the figures of fixtures/qstats00.csv and
stats_from_steps_walkthrough_test.php, the counts of fixtures/responsecounts00.csv
"""

from services.quiz.statistics.tally import Tally

# Marks are given with seven decimals, so a unit is a ten millionth of a point.
UNITS = 10_000_000

MARKS = """
1 1 1 1 1 0 1            1 1 1 1 0.5 1 0          1 1 1 1 0.5 0 1          0 0 1 1 1 0 0
1 0 1 0 0 1 0.5          1 1 1 1 0.5 0 0.5        0 1 1 1 0.5 1 0.5        1 1 1 0 0.5 1 0.5
1 0 1 1 1 1 1            0 1 1 0 0.5 1 0.5        0.8 0 1 1 0.5 1 0.5      1 1 1 0 0.5 1 1
1 0 1 1 0.5 1 0.5        1 0 1 1 1 0 0.5          0 0 1 1 0 1 1            1 0 1 0 0.5 1 1
0.8 0 1 1 0.5 0 1        1 0 1 1 0 1 0.5          1 0 1 1 0.5 0 0.5        0 1 1 0 0.5 1 0
1 1 0.3333333 1 0.5 0 0.5    1 1 1 0 0.5 0 0.5    1 1 1 1 0 1 0.5          0 0 1 0 0.5 1 1
0 0 1 1 1 1 1
"""
# The answers to the first question, and how often each was given.
ANSWERS = """
3.14 frog 3.14 butterfly 3.14 3.14 3.142 3.14 frog 3.1 toad frog 3.14 frog 3.1 frog toad frog 3.14 butterfly
frog frog frog 3.1 3.1
"""
ANSWERED = {"3.142": 1, "3.14": 7, "3.1": 4, "frog": 9, "butterfly": 2, "toad": 2}

COLUMNS = (
    "facility",
    "sd",
    "effective_weight",
    "covariance",
    "variance",
    "rest_variance",
    "discrimination_percent",
    "covariance_max",
    "efficiency_percent",
)
QUESTIONS = """
0.704       0.4513682901 21.2922742344 -0.022555556  0.2037333333 0.5002777794 -7.0650767526  0.2385555565 -9.4550536967
0.48        0.5099019514 18.8979800309 -0.1172777785 0.26         0.6334555578 -28.8982125772 0.318833334  -36.7834118938
0.973333332 0.13333334   4.443012573   -0.0098888894 0.0177777796 0.6609       -9.1230674268  0.045666669  -21.6545012165
0.68        0.4760952286 18.9347251357 -0.0833888893 0.2266666667 0.5990111128 -22.6306444113 0.2652222232 -31.4411395613
0.52        0.3055050463 11.1450138688 -0.0436944444 0.0933333333 0.6529555563 -17.6997047674 0.2063055556 -21.1794802584
0.64        0.4898979486 9.8081339177  -0.2015555547 0.24         0.8220111101 -45.3785178421 0.3539999995 -56.9365974439
0.62        0.331662479  15.4788602394 -0.0142499998 0.11         0.5774000005 -5.6543166602  0.2190833335 -6.5043742058
"""  # noqa: E501 (a table)
PAPER = {
    "mean": 4.617333332,
    "median": 4.5,
    "sd": 0.8117265554,
    "skewness": -0.092502502,
    "kurtosis": -0.7073968557,
    "alpha_percent": -87.2230935542,
    "error_ratio_percent": 136.8294900795,
    "standard_error": 1.1106813066,
}


def marks() -> list[list[int]]:
    """The marks of each attempt, in units."""
    numbers = [round(float(number) * UNITS) for number in MARKS.split()]
    return [numbers[begin : begin + 7] for begin in range(0, len(numbers), 7)]


def tally() -> Tally:
    """The attempts, counted one by one. A letter stands for each answer to the first question."""
    letters = dict(zip(ANSWERED, "ABCDEF", strict=True))
    counted = Tally()
    for of_attempt, answer in zip(marks(), ANSWERS.split(), strict=True):
        total = sum(of_attempt)
        counted.totals[total] += 1
        for question, mark in enumerate(of_attempt):
            chosen = letters[answer] if question == 0 else ""
            counted.add_answers(question, f"place {question}", chosen, mark, UNITS, total - mark, 1)
    return counted


def expected() -> list[dict[str, float]]:
    """The published figures of each question, by name."""
    rows = (map(float, line.split()) for line in QUESTIONS.strip().splitlines())
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
