'use strict';
/* Tasks on a pool of the RBroker framework, by turns as code and as a script, which does the same. */
const rbroker = require('rbroker');
const { main } = require('./support');

const CODE = 'square <- number^2\npid <- Sys.getpid()\ncalls <- (if (exists("calls")) calls else 0) + 1';

const task = (number, filename) =>
  rbroker.pooledTask({
    ...(number % 2 ? { code: CODE } : { filename, directory: 'root', author: 'testuser' }),
    rinputs: [rbroker.RInput.numeric('number', number)],
    routputs: ['number', 'square', 'pid', 'calls'],
  });

main((filename, size, tasks) => new Promise((resolve) => {
  const seen = { completed: [], errors: [], warnings: [] };
  const broker = rbroker
    .pooledTaskBroker({
      maxConcurrentTaskLimit: Number(size),
      host: process.env.DEPLOYR_HOST,
      credentials: { username: 'testuser', password: 'changeme' },
    })
    .complete((_task, result) => seen.completed.push(result))
    .error((error) => seen.errors.push(error.deployr ? error.deployr.response : String(error)))
    .on('warning', (warning) => seen.warnings.push(warning))
    .idle(() => broker.shutdown().then((released) => resolve({ ...seen, released })));

  for (let number = 1; number <= Number(tasks); number += 1) {
    broker.submit(task(number, filename), false);
  }
}));
