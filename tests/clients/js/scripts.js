'use strict';
/* A script of one's own: uploaded, run by its author, in a project, by anybody. The argument names the script. */
const { deployr, ask, failure, login, createProject, uploadScript, main } = require('./support');

const CODE = 'cat("working\\n")\ny <- x * 2\nplot(y)\nwriteLines("made", "made.txt")\n';

main(async (name) => {
  const filename = `${name}.R`;
  const script = { filename, author: 'testuser', directory: 'root' };
  const run = (request) => ask(request.numeric('x', 21).routput('y'));
  const user = await login();

  const uploaded = await uploadScript(user, filename, CODE);
  const authenticated = await run(user.io('/r/repository/script/execute', { ...script }));
  const withoutExtension = await run(user.io('/r/repository/script/execute', { filename: name, author: 'testuser' }));
  const project = await createProject(user);
  const inProject = await run(user.io('/r/project/execute/script', { ...script, project }));
  const hidden = await failure(deployr.io('/r/repository/script/execute').data({ ...script }));

  const published = await uploadScript(user, filename, CODE, { published: true });
  const anonymous = await run(deployr.script(`/testuser/root/${filename}`));
  const scripts = await ask(deployr.io('/r/repository/script/list').data({ published: true }));
  const broken = await failure(deployr.script(`/testuser/root/${filename}`).character('x', 'text'));

  await ask(user.io('/r/repository/file/delete', { filename }));
  const deleted = await failure(deployr.script(`/testuser/root/${filename}`).numeric('x', 1));
  await ask(user.io('/r/user/logout'));
  return {
    uploaded, authenticated, withoutExtension, inProject, hidden, published, anonymous, scripts, broken, deleted,
  };
});
