'use strict';
const { deployr, ask, failure, login, main } = require('./support');

main(async () => {
  const info = await ask(deployr.io('/r/server/info'));
  const wrong = await failure(deployr.io('/r/user/login').data({ username: 'testuser', password: 'wrong' }));
  let heard = null;
  const listening = deployr.io('/r/project/list').on('deployr-io:401', (error) => { heard = error.get('call'); });
  const stranger = await failure(listening);
  const user = await login();
  const about = await ask(user.io('/r/user/about'));
  const logout = await ask(user.io('/r/user/logout'));
  const second = await failure(user.io('/r/user/logout'));
  const after = await failure(user.io('/r/user/about'));
  return { info, wrong, stranger, heard, login: user.reply, headers: user.headers, about, logout, second, after };
});
