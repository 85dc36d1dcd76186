'use strict';
/* Executions of one HTTP session at the same time: projects and stateless scripts. The argument names the script. */
const { ask, login, createProject, uploadScript, main } = require('./support');

const CODE = 'begun <- as.numeric(Sys.time())\nSys.sleep(1)\nended <- as.numeric(Sys.time())\nmine <- number * 10\n';

main(async (filename) => {
  const user = await login();
  await uploadScript(user, filename, CODE);
  const projects = await Promise.all([1, 2].map(() => createProject(user)));
  const requests = [
    ...projects.map((project) => user.io('/r/project/execute/code', { project, code: CODE })),
    ...[3, 4].map(() => user.io('/r/repository/script/execute', { filename, author: 'testuser' })),
  ];
  const replies = await Promise.all(
    requests.map((request, index) => ask(request.numeric('number', index + 1).routputs(['mine', 'begun', 'ended'])))
  );
  await ask(user.io('/r/repository/file/delete', { filename }));
  await ask(user.io('/r/user/logout'));
  return replies.map((reply) => reply.workspace.objects.map((object) => object.value));
});
