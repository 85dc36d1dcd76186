'use strict';
/*
 * What the programs of this directory share. Each program is written as a user of npm `deployr` would write it and
 * prints one JSON document. The server is named by DEPLOYR_HOST.
 */
const fs = require('fs');
const os = require('os');
const path = require('path');
const deployr = require('deployr');

deployr.configure({ host: process.env.DEPLOYR_HOST });

/* The `response` object of a reply; a chain of calls gives all of its replies, the last one counts. */
function response(replies) {
  return [].concat(replies).pop().deployr.response;
}

/* Send a request and wait: resolves to the `response` object, rejects with the library's error object. */
async function ask(request) {
  return response(await request.promise());
}

/* What the library says about a request that must fail. */
async function failure(request) {
  try {
    await request.promise();
  } catch (error) {
    return error.deployr.response;
  }
  throw new Error('the call succeeded');
}

/* Log in; `io` makes calls of the same HTTP session, each over a connection of its own. */
async function login(username = 'testuser', password = 'changeme') {
  const request = deployr.io('/r/user/login').data({ username, password });
  const reply = await ask(request);
  const headers = request.getHeaders();
  return { reply, headers, io: (api, data) => deployr.io(api).share(headers).data(data) };
}

async function createProject(user) {
  return (await ask(user.io('/r/project/create'))).project.project;
}

/* Stream a download to a file. */
function save(request, file) {
  return new Promise((resolve, reject) => {
    request.pipe(fs.createWriteStream(file)).on('finish', resolve).on('error', reject);
  });
}

function temporaryFile(name, content) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'deployr-')), name);
  fs.writeFileSync(file, content);
  return file;
}

/* Put a script into testuser's root directory. */
function uploadScript(user, filename, code, access = {}) {
  return ask(user.io('/r/repository/file/upload', { filename, ...access }).attach(temporaryFile('local.R', code)));
}

/* Run a program and print what it returns. */
function main(program) {
  program(...process.argv.slice(2)).then(
    (result) => console.log(JSON.stringify(result)),
    (error) => {
      console.error(error.stack || JSON.stringify(error));
      process.exitCode = 1;
    }
  );
}

module.exports = { deployr, ask, failure, login, createProject, save, temporaryFile, uploadScript, main };
