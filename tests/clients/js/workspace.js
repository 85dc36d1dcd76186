'use strict';
const { ask, failure, login, createProject, main } = require('./support');

main(async () => {
  const user = await login();
  const project = await createProject(user);
  const empty = await ask(user.io('/r/project/workspace/list', { project }));
  await ask(user.io('/r/project/workspace/push', { project }).numericVector('pushed', [1.5, 2]).character('text', 'hi'));
  await ask(user.io('/r/project/execute/code', { project, code: 'sum <- sum(pushed); f <- function(x) x' }));
  const listed = await ask(user.io('/r/project/workspace/list', { project }));
  const one = await ask(user.io('/r/project/workspace/get', { project, name: 'sum' }));
  const several = await ask(user.io('/r/project/workspace/get', { project, name: 'text,pushed' }));
  await ask(user.io('/r/project/workspace/delete', { project, name: 'text,f' }));
  const left = await ask(user.io('/r/project/workspace/list', { project }));
  const missing = await failure(user.io('/r/project/workspace/get', { project, name: 'text' }));
  await ask(user.io('/r/project/close', { project }));
  return { empty, listed, one, several, left, missing };
});
