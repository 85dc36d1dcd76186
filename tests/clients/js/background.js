'use strict';
/* Background tasks of the RBroker framework, by turns as code and as a script; each stores an object and a file. */
const rbroker = require('rbroker');
const { main } = require('./support');

const CODE = 'square <- number^2\ncat(square, file = paste0("square-", number, ".txt"))';

const task = (number, filename, directory) =>
  rbroker.backgroundTask({
    name: `Task ${number}`,
    descr: 'squares a number',
    ...(number % 2 ? { code: CODE } : { rscriptname: filename, rscriptdirectory: 'root', rscriptauthor: 'testuser' }),
    rinputs: [rbroker.RInput.numeric('number', number)],
    storefile: `square-${number}.txt`,
    storeobject: 'square',
    storedirectory: directory,
    storenewversion: true,
  });

main((filename, directory, tasks) => new Promise((resolve) => {
  const seen = { completed: [], errors: [] };
  const broker = rbroker
    .backgroundTaskBroker({
      host: process.env.DEPLOYR_HOST,
      credentials: { username: 'testuser', password: 'changeme' },
    })
    .complete((_task, result) => seen.completed.push(result))
    .error((error) => seen.errors.push(error.deployr ? error.deployr.response : String(error)))
    .idle(() => broker.shutdown().then((released) => resolve({ ...seen, released })));

  for (let number = 1; number <= Number(tasks); number += 1) {
    broker.submit(task(number, filename, directory), number % 10 === 0);
  }
}));
