"""What several rooms need, made once: the stores, and what a process remembers of quizzes and people."""
