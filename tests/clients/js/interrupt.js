'use strict';
/* An endless loop, ended by a second login of the same user. */
const { ask, failure, login, createProject, main } = require('./support');

const LOOP = 'cat("looping\\n")\ninvisible(file.create("begun"))\nrepeat Sys.sleep(0.01)\nfinished <- TRUE\n';

/* Wait for the file by which the loop tells that it runs. */
async function begun(user, project) {
  for (;;) {
    const { directory } = await ask(user.io('/r/project/directory/list', { project }));
    if (directory.files.length) {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

main(async () => {
  const [user, other] = [await login(), await login()];
  const project = await createProject(user);
  const loop = failure(user.io('/r/project/execute/code', { project, code: LOOP }));
  await begun(other, project);
  const busy = await failure(other.io('/r/project/execute/code', { project, code: 'intruder <- TRUE' }));
  await ask(other.io('/r/project/execute/interrupt', { project }));
  const interrupted = await loop;
  const idle = await ask(other.io('/r/project/execute/interrupt', { project }));
  const look = 'seen <- c(exists("finished"), exists("intruder"))';
  const after = await ask(user.io('/r/project/execute/code', { project, code: look }).routput('seen'));
  await ask(user.io('/r/project/close', { project }));
  return { interrupted, busy, idle, after };
});
