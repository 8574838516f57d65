// The questions of a contest while it is written, and how many of them each paper gets.

// As many of a topic get onto each paper until the organiser says another number.
const FIRST = 5;

/** What of a question a line of the blueprint looks at. */
function matches(line, question) {
  return ["topic", "difficulty", "kind"].every((name) => !line[name] || line[name] === question[name]);
}

export class Pool {
  constructor({ questions = [], blueprint = {}, lines = [] } = {}) {
    this.questions = [...questions];
    this.lines = lines.length ? lines.map((one) => ({ ...one })) : Object.entries(blueprint).map(([topic, count]) => ({ topic, count }));
  }

  /** Questions of the bank come in; the same one again has its present words. */
  add(questions) {
    const ids = new Set(questions.map((one) => one.id));
    this.questions = [...this.questions.filter((one) => !ids.has(one.id)), ...questions];
    for (const topic of new Set(questions.map((one) => one.topic)))
      if (!this.lines.some((one) => one.topic === topic)) this.lines.push({ topic, count: Math.min(FIRST, this.of({ topic }).length) });
  }

  remove(id) {
    this.questions = this.questions.filter((one) => one.id !== id);
    this.#fit();
  }

  removeLine(line) {
    this.questions = this.questions.filter((one) => !matches(line, one));
    this.#fit();
  }

  /** The questions from which a line draws. */
  of(line) {
    return this.questions.filter((one) => matches(line, one));
  }

  get onPaper() {
    return this.lines.reduce((sum, one) => sum + one.count, 0);
  }

  /** The fields of a definition. */
  get definition() {
    const lines = this.lines.filter((one) => one.count > 0);
    const areTopics = lines.every((one) => !one.difficulty && !one.kind);
    return {
      questions: this.questions,
      ...(areTopics ? { blueprint: Object.fromEntries(lines.map((one) => [one.topic, one.count])), lines: [] } : { blueprint: {}, lines }),
    };
  }

  #fit() {
    this.lines = this.lines.map((one) => ({ ...one, count: Math.min(one.count, this.of(one).length) })).filter((one) => this.of(one).length);
  }
}
