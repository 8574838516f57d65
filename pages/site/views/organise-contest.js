// Contests for organisers: all of them, or one (?quiz=) with its figures and its end.
import * as contests from "../parts/organise-contests.js";
import { quizId } from "../parts/organise-quiz.js";
import * as running from "../parts/organise-running.js";
import { showToOrganisers } from "../parts/organiser.js";

const { title, body, load } = quizId ? running : contests;
await showToOrganisers(title, body, load);
