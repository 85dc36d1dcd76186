'use strict';
/*
 * Executions of one HTTP session at the same time: projects and stateless scripts. None ends before all have begun. The
 * arguments name the script, and a directory where they meet.
 */
const { ask, login, createProject, uploadScript, main } = require('./support');

const CODE = 'file.create(file.path(place, number))\nwhile (length(dir(place)) < 4) Sys.sleep(0.01)\nmine <- number * 10\n';

main(async (filename, place) => {
  const user = await login();
  await uploadScript(user, filename, CODE);
  const projects = await Promise.all([1, 2].map(() => createProject(user)));
  const requests = [
    ...projects.map((project) => user.io('/r/project/execute/code', { project, code: CODE })),
    ...[3, 4].map(() => user.io('/r/repository/script/execute', { filename, author: 'testuser' })),
  ];
  const replies = await Promise.all(
    requests.map((request, index) => ask(request.numeric('number', index + 1).character('place', place).routputs(['mine'])))
  );
  await ask(user.io('/r/repository/file/delete', { filename }));
  await ask(user.io('/r/user/logout'));
  return replies.map((reply) => reply.workspace.objects[0].value);
});
