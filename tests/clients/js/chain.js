'use strict';
/* One chain of calls as the library's own examples write it: the session is handed on from call to call. */
const { deployr, main } = require('./support');

main(async () => {
  const seen = {};
  const ruser = deployr.auth('testuser', 'changeme');
  await ruser
    .io('/r/project/create')
    .end((res) => ({ project: res.get('project').project }))
    .io('/r/project/execute/code')
    .data({ code: 'x <- 1 + 1' })
    .routput('x')
    .end((res) => {
      seen.x = res.workspace('x').value;
      return { project: res.get('project').project };
    })
    .io('/r/project/about')
    .end((res) => {
      seen.project = res.get('project');
    })
    .drain();
  seen.user = ruser.about();
  seen.released = await ruser.release([seen.project.project]);
  return seen;
});
