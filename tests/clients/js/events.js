'use strict';
/* The event stream of npm `deployr`: an administrator and a user listen while the user runs code and a job. */
const { deployr, ask, failure, login, createProject, main } = require('./support');

const TYPES = [
  'streamConnect', 'streamDisconnect', 'executionConsole', 'executionRevo', 'executionError', 'jobLifecycle',
  'gridActivity', 'gridWarning', 'gridHeartbeat', 'securityLogin', 'securityLogout'
];

/* Opens a stream; resolves when the server has said that it is open. All events are noted in their order. */
function listen(headers, options) {
  const heard = [];
  const waiting = [];
  const stream = deployr.es();
  TYPES.forEach((type) => {
    stream.on(`es:${type}`, (message) => {
      heard.push(message.deployr.response.event);
      waiting.slice().forEach((check) => check());
    });
  });
  const until = (type, wanted = () => true) => new Promise((resolve) => {
    const check = () => {
      const found = heard.find((event) => event.type === `${type}Event` && wanted(event));
      if (found) {
        waiting.splice(waiting.indexOf(check), 1);
        resolve(found);
      }
    };
    waiting.push(check);
    check();
  });
  stream.open({ cookies: headers.Cookie, ...options });
  return until('streamConnect').then(() => ({ stream, heard, until }));
}

main(async () => {
  const admin = await login('admin');
  const management = await listen(admin.headers, { managementEventOnly: true });
  const user = await login();
  const own = await listen(user.headers);
  const project = await createProject(user);
  const filtered = await listen(user.headers, { project });

  const code = 'cat("before!|!\\n")\nx <- c(1, 2, 3)\nrevoEvent(x)\ncat("after\\n")';
  await ask(user.io('/r/project/execute/code', { project, code, enableConsoleEvents: true, echooff: true }));
  await failure(user.io('/r/project/execute/code', { project, code: 'stop("no")', enableConsoleEvents: true, echooff: true }));
  await failure(user.io('/r/project/execute/code', { project, code: 'x y' }));
  await own.until('executionError');
  await filtered.until('executionError');

  const job = (await ask(user.io('/r/job/submit', { name: 'heard', code: 'x <- 1' }))).job.job;
  await own.until('jobLifecycle', (event) => event.context === job && event.jobstatus === 'Completed');

  await failure(deployr.io('/r/user/login').data({ username: 'nobody', password: 'wrong' }));
  await failure(user.io('/r/project/create', { cluster: 'no such cluster' }));
  await management.until('gridHeartbeat');
  await ask(user.io('/r/user/logout'));
  await own.until('streamDisconnect');
  await management.until('securityLogout');
  [own, filtered, management].forEach((listener) => listener.stream.close());
  return { project, job, own: own.heard, filtered: filtered.heard, management: management.heard };
});
