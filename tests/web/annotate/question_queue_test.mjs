import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../load.mjs";

const { key, QuestionQueue } = await load("annotate/question_queue.ts");

const questions = (...pairs) => ({ round: 1, questions: pairs.map(([a, b], id) => ({ id, a, b })) });
const first = (queue, count = 9) => queue.first(count).map(({ a, b }) => `${a}-${b}`);

test("a pair has one key in either direction", () => {
  assert.equal(key({ a: 7, b: 3 }), key({ a: 3, b: 7 }));
  assert.notEqual(key({ a: 1, b: 23 }), key({ a: 12, b: 3 }));
});

test("an answered question is not shown again by a list that was asked for before", () => {
  const queue = new QuestionQueue();
  const list = questions([1, 2], [3, 4], [5, 6]);
  queue.replace(list, queue.asking());
  const late = queue.asking();
  const answered = queue.current();
  queue.answered(answered);
  assert.deepEqual(first(queue), ["3-4", "5-6"]);
  queue.replace(list, late); // The answer is on its way.
  assert.deepEqual(first(queue), ["3-4", "5-6"]);
  const later = queue.asking();
  queue.confirmed(answered);
  queue.replace(list, later); // Confirmed, but asked for before.
  assert.deepEqual(first(queue), ["3-4", "5-6"]);
  queue.replace(list, queue.asking()); // The server has opened it again since: somebody took it back.
  assert.deepEqual(first(queue), ["3-4", "1-2", "5-6"]);
});

test("a refused answer opens its question again", () => {
  const queue = new QuestionQueue();
  queue.replace(questions([1, 2], [3, 4]), queue.asking());
  const answered = queue.current();
  queue.answered(answered);
  queue.refused(answered);
  assert.deepEqual(first(queue).sort(), ["1-2", "3-4"]);
});

test("the question on the page stays, whatever becomes more urgent", () => {
  const queue = new QuestionQueue();
  queue.replace(questions([1, 2], [3, 4]), queue.asking());
  queue.replace(questions([5, 6], [3, 4], [1, 2]), queue.asking());
  assert.deepEqual(first(queue), ["1-2", "5-6", "3-4"]);
  queue.replace(questions([5, 6], [3, 4]), queue.asking()); // It was answered elsewhere.
  assert.deepEqual(first(queue, 1), ["5-6"]);
});

test("a question that was taken back comes first", () => {
  const queue = new QuestionQueue();
  queue.replace(questions([1, 2], [3, 4]), queue.asking());
  queue.answered(queue.current());
  queue.prefer({ a: 2, b: 1 });
  queue.replace(questions([3, 4], [1, 2]), queue.asking());
  assert.deepEqual(first(queue), ["1-2", "3-4"]);
});

test("a new round may ask again what the last one did", () => {
  const queue = new QuestionQueue();
  queue.replace(questions([1, 2]), queue.asking());
  queue.answered(queue.current());
  queue.replace({ ...questions([1, 2]), round: 2 }, queue.asking());
  assert.deepEqual(first(queue), ["1-2"]);
});
