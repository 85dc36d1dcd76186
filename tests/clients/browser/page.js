'use strict';
/*
 * A web page as DeployR's users wrote them: it loads the library's browser build and calls a server on another origin.
 * The query names server and script; what the page has seen stands in the element `seen` at the end.
 */
var asked = new URLSearchParams(location.search);
var seen = {};

deployr.configure({ host: asked.get('host'), cors: true });

/* What a request came to: the `response` object of the last reply, or the library's error object. */
function ask(request) {
  return request.promise().then(
    function (replies) { return [].concat(replies).pop().deployr.response; },
    function (error) { return { success: false, error: error }; }
  );
}

function note(name) {
  return function (answer) { seen[name] = answer; };
}

function execute(options) {
  var script = { filename: asked.get('script'), author: 'testuser', directory: 'root' };
  return deployr.io('/r/repository/script/execute').data(Object.assign(script, options)).numeric('x', 21).routput('y');
}

function login() {
  return deployr.io('/r/user/login').data({ username: 'testuser', password: 'changeme' }).end();
}

ask(deployr.script('/testuser/root/' + asked.get('script')).numeric('x', 21).routput('y')).then(note('anonymous'))
  .then(function () { return ask(execute({ blackbox: true })); }).then(note('first'))
  .then(function () { return ask(execute({ blackbox: true })); }).then(note('second'))
  .then(function () { return ask(login().io('/r/project/create')); }).then(note('project'))
  .then(function () { return ask(login().io('/r/user/logout')); }).then(note('logout'))
  .then(function () { document.getElementById('seen').textContent = JSON.stringify(seen); });
