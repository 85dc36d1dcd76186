'use strict';
/* A named project outlives its R session; the argument is its name. */
const { ask, login, main } = require('./support');

main(async (projectname) => {
  const user = await login();
  const created = await ask(user.io('/r/project/create', { projectname, projectdescr: 'Kept.' }));
  const { project } = created.project;
  const named = async () => (await ask(user.io('/r/project/list'))).projects.filter((found) => found.project === project);
  await ask(user.io('/r/project/execute/code', { project, code: 'x <- 1:3; writeLines("kept", "kept.txt")' }));
  await ask(user.io('/r/project/close', { project }));
  const closed = await named();
  const pinged = await ask(user.io('/r/project/ping', { project }));
  const restored = await ask(user.io('/r/project/workspace/get', { project, name: 'x' }));
  const files = await ask(user.io('/r/project/directory/list', { project }));
  const live = await named();
  await ask(user.io('/r/project/delete', { project }));
  const deleted = await named();
  await ask(user.io('/r/user/logout'));
  return { created, closed, pinged, restored, files, live, deleted };
});
