'use strict';
/*
 * A web page that listens to the event stream with what browsers have: a WebSocket and an EventSource. The query names
 * the server. What the page has heard is posted to where the page comes from.
 */
var base = new URLSearchParams(location.search).get('host') + '/deployr';
var seen = { socket: [], source: [] };
var waiting = [];
var token;

function call(path, data) {
  var headers = token ? { 'X-XSRF-TOKEN': token } : {};
  var body = new URLSearchParams(Object.assign({ format: 'json' }, data));
  return fetch(base + path, { method: 'POST', credentials: 'include', headers: headers, body: body })
    .then(function (reply) { return reply.json(); })
    .then(function (reply) { return reply.deployr.response; });
}

/* Resolves when `heard` has an event of the type. */
function until(heard, type) {
  return new Promise(function (resolve) {
    function look() {
      if (heard.some(function (event) { return event.type === type; })) { resolve(); }
    }
    waiting.push(look);
    look();
  });
}

function note(heard, json) {
  heard.push(JSON.parse(json).deployr.response.event);
  waiting.forEach(function (look) { look(); });
}

function show() {
  return fetch('seen', { method: 'POST', body: JSON.stringify(seen) });
}

call('/r/user/login', { username: 'testuser', password: 'changeme' })
  .then(function (reply) {
    token = reply['X-XSRF-TOKEN'];
    var source = new EventSource(base + '/r/event/stream', { withCredentials: true });
    var socket = new WebSocket(base.replace('http', 'ws') + '/r/event/stream');
    source.onmessage = function (message) { note(seen.source, message.data); };
    // Else it would open another stream when the server has ended this one.
    source.onerror = function () { source.close(); };
    socket.onmessage = function (message) {
      var json = message.data.split('!|!')[1];
      if (json) { note(seen.socket, json); }
    };
    return Promise.all([until(seen.source, 'streamConnectEvent'), until(seen.socket, 'streamConnectEvent')])
      .then(function () { return call('/r/project/create'); })
      .then(function (made) {
        var code = 'cat("printed!|!\\n")\nx <- 1\nrevoEvent(x)';
        return call('/r/project/execute/code',
          { project: made.project.project, code: code, enableConsoleEvents: true, echooff: true });
      })
      .then(function () {
        return Promise.all([until(seen.source, 'executionRevoEvent'), until(seen.socket, 'executionRevoEvent')]);
      })
      .then(function () { return call('/r/user/logout'); })
      .then(function () {
        return Promise.all([until(seen.source, 'streamDisconnectEvent'), until(seen.socket, 'streamDisconnectEvent')]);
      })
      .then(function () { source.close(); socket.close(); });
  })
  .catch(function (error) { seen.error = String(error); })
  .then(show);
