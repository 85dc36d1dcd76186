'use strict';
/* An R and a Python script with versions and tags, pages of a list, the external repository. Arguments: name, directory. */
const path = require('path');
const { ask, failure, login, save, temporaryFile, main } = require('./support');

main(async (directory, downloads) => {
  const user = await login();
  const call = (name, data) => ask(user.io(`/r/repository/${name}`, data));
  const upload = (filename, code, data) =>
    ask(
      user
        .io('/r/repository/file/upload', { filename, directory, tags: 'model, demo', ...data })
        .attach(temporaryFile('local', code))
    );
  const execute = (filename, version) =>
    ask(
      user
        .io('/r/repository/script/execute', { filename, directory, author: 'testuser', ...version })
        .numeric('x', 21)
        .routput('y')
    );
  const download = (filename, version, target) =>
    save(
      user.io('/r/repository/file/download', { filename, directory, author: 'testuser', ...version }),
      path.join(downloads, target)
    );

  await call('directory/create', { directory });
  await upload('model.R', 'y <- x + 1\n');
  await upload('model.R', 'y <- x * 2\n', { newversion: true, newversionmsg: 'doubles' });
  await upload('model.py', 'y = x * 3\n', { tags: 'Model' });
  await upload('plain.txt', 'text\n', { tags: '' });

  const scripts = (await call('script/list', { directory })).repository.scripts;
  const versions = (await call('file/list', { directory, filename: 'model.R' })).repository.files;
  const { version } = versions[1];
  const runs = [await execute('model.R'), await execute('model.R', { version }), await execute('model.py')];
  await download('model.R', {}, 'latest.R');
  await download('model.R', { version }, 'former.R');
  await download('model.py', {}, 'model.py');

  const tagged = (await call('file/list', { directory, tagged: 'model' })).repository.files;
  const page = (await call('file/list', { directory, pagesize: 2, pageoffset: 1 })).repository;
  const data = (await call('file/list', { directory, categoryFilter: 'text' })).repository.files;

  const place = 'external:public:admin';
  const external = (await call('file/list', { external: true, directory: place })).repository.files;
  const refused = await failure(
    user.io('/r/repository/file/write', { filename: 'new.R', directory: place, text: '1' })
  );
  await call('directory/delete', { directory });
  return { scripts, versions, runs, tagged, page, data, external, refused };
});
