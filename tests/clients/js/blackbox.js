'use strict';
/* A session of its own for an anonymous caller: it remembers from call to call until it is recycled. */
const { deployr, ask, login, uploadScript, main } = require('./support');

const CODE = 'if (!exists("calls")) calls <- 0\ncalls <- calls + 1\nwriteLines("secret", "secret.txt")\n';

main(async (name) => {
  const user = await login();
  await uploadScript(user, name, CODE, { published: true });
  const script = { filename: name, author: 'testuser', directory: 'root' };
  const request = (data) => deployr.io('/r/repository/script/execute').data({ ...script, ...data }).routput('calls');

  const first = request({ blackbox: true });
  const replies = [await ask(first)];
  const caller = first.getHeaders();
  for (const data of [{ blackbox: true }, { blackbox: true, recycle: true }, { blackbox: true }, {}]) {
    replies.push(await ask(request(data).share(caller)));
  }
  const stranger = await ask(request({ blackbox: true }));
  await ask(user.io('/r/repository/file/delete', { filename: name }));
  await ask(user.io('/r/user/logout'));
  return { replies, stranger };
});
