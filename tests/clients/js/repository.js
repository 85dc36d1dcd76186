'use strict';
/* Repository files of a user; the first argument names the file, the second a directory for downloads. */
const path = require('path');
const { ask, failure, login, save, temporaryFile, main } = require('./support');

main(async (filename, directory) => {
  const user = await login();
  const upload = (text, data) =>
    ask(user.io('/r/repository/file/upload', { filename, ...data }).attach(temporaryFile('upload.bin', text)));
  const download = (name) =>
    save(user.io('/r/repository/file/download', { filename, author: 'testuser' }), path.join(directory, name));
  const files = async () => (await ask(user.io('/r/repository/file/list'))).repository.files;

  const uploaded = await upload('one\n', { descr: 'Counts.' });
  await download('one');
  const listed = await files();
  const second = await upload('two\n', { newversion: true, newversionmsg: 'counted on' });
  await download('two');
  const versions = (await ask(user.io('/r/repository/file/list', { filename, directory: 'root' }))).repository.files;
  const other = await login('admin');
  const foreign = await failure(other.io('/r/repository/file/delete', { filename }));
  await ask(user.io('/r/repository/file/delete', { filename }));
  const left = await files();
  return { uploaded, second, listed, versions, foreign, left };
});
