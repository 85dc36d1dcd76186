'use strict';
const { ask, failure, login, createProject, main } = require('./support');

main(async () => {
  const user = await login();
  const project = await createProject(user);
  const execute = (data) => user.io('/r/project/execute/code', { project, ...data });
  await ask(execute({ code: 'x <- 41', tag: 'first' }));
  await ask(execute({ code: 'print("not recorded")', phantom: true }));
  const quiet = await ask(execute({ code: 'cat("silent\\n")', echooff: true, tag: 'second' }));
  const error = await failure(execute({ code: 'y <- 1\nstop("out of cheese")\ny <- 2' }));
  const syntax = await failure(execute({ code: 'y <- 3\nz <- (' }));
  const survivors = await ask(user.io('/r/project/workspace/get', { project, name: 'x,y' }));
  await ask(execute({ code: '# the answer\nx + 1\nwarning("careful")' }));
  const console = await ask(user.io('/r/project/execute/console', { project }));
  const history = (data) => ask(user.io('/r/project/execute/history', { project, ...data }));
  const all = await history();
  const tagged = await history({ filtertag: 'first' });
  const newest = await history({ filterdepth: 1, reversed: true });
  await ask(user.io('/r/project/close', { project }));
  const closed = await failure(execute({ code: '1' }));
  return { quiet, error, syntax, survivors, console, all, tagged, newest, closed };
});
