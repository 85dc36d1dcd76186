'use strict';
/* Discrete tasks of the RBroker framework; with the argument `testuser` they run authenticated. */
const rbroker = require('rbroker');
const { main } = require('./support');

const task = (filename, data) => rbroker.discreteTask({ filename, directory: 'root', author: 'testuser', ...data });

const greeting = (count) =>
  task('DeployR - Hello World', {
    rinputs: [rbroker.RInput.numeric('input_randomNum', count)],
    routputs: ['x'],
  });

/* The broker emits `idle` once all tasks are done. */
main((username) => new Promise((resolve) => {
  const seen = { completed: [], errors: [], progress: 0 };
  const credentials = username ? { username, password: 'changeme' } : undefined;
  const broker = rbroker
    .discreteTaskBroker({ maxConcurrentTaskLimit: 3, host: process.env.DEPLOYR_HOST, credentials })
    .complete((_task, result) => seen.completed.push(result))
    .error((error) => seen.errors.push(error.deployr ? error.deployr.response : String(error)))
    .progress(() => { seen.progress += 1; })
    .idle(() => broker.shutdown().then((released) => resolve({ ...seen, released })));

  [10, 11, 12, 13].forEach((count) => broker.submit(greeting(count), false));
  broker.submit(task('Histogram of Auto Sales'), true);
  broker.submit(task('No Such Script'), false);
}));
