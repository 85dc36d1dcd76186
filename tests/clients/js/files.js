'use strict';
/* Plots, artifacts and the working directory of a project. Downloads are saved in the directory given. */
const fs = require('fs');
const path = require('path');
const { ask, failure, login, createProject, save, temporaryFile, main } = require('./support');

const DRAW = `
plot(1:10)
hist(c(1, 2, 2, 3))
writeLines(c("a,b", "1,2"), "table.csv")
png("named.png", width = 320, height = 200)
plot(10:1)
invisible(dev.off())
`;

async function fetchTo(url, headers, file) {
  const reply = await fetch(url, { headers: { Cookie: String(headers.Cookie).split(';')[0] } });
  fs.writeFileSync(file, Buffer.from(await reply.arrayBuffer()));
  return { status: reply.status, type: reply.headers.get('content-type') };
}

main(async (directory) => {
  const at = (name) => path.join(directory, name);
  const user = await login();
  const project = await createProject(user);
  const drawn = await ask(
    user.io('/r/project/execute/code', { project, code: DRAW, graphicswidth: 640, graphicsheight: 400 })
  );
  const { results, artifacts } = drawn.execution;
  const resultList = await ask(user.io('/r/project/execute/result/list', { project }));
  await save(user.io('/r/project/execute/result/download', { project, filename: results[0].filename }), at('one.png'));
  await save(user.io('/r/project/execute/result/download', { project }), at('all.zip'));
  const byUrl = await fetchTo(results[1].url, user.headers, at('two.png'));
  const artifactByUrl = await fetchTo(artifacts[0].url, user.headers, at('artifact'));

  const content = temporaryFile('local name.txt', 'first line\nsecond: äöü\n');
  const request = { project, filename: 'my file.txt', descr: 'A text of mine.' };
  const uploaded = await ask(user.io('/r/project/directory/upload', { ...request }).attach(content));
  const again = await failure(user.io('/r/project/directory/upload', { ...request }).attach(content));
  const overwritten = await ask(
    user.io('/r/project/directory/upload', { ...request, overwrite: true }).attach(content).stream()
  );
  const listed = await ask(user.io('/r/project/directory/list', { project }));
  await save(user.io('/r/project/directory/download', { project, filename: 'my file.txt' }), at('my file.txt'));
  await ask(user.io('/r/project/directory/delete', { project, filename: 'my file.txt,table.csv' }));
  const left = await ask(user.io('/r/project/directory/list', { project }));
  await ask(user.io('/r/project/close', { project }));
  return { drawn, resultList, byUrl, artifactByUrl, uploaded, again, overwritten, listed, left };
});
