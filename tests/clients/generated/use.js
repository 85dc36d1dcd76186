// Uses the clients that were generated from the core document and from a service's: logs in, publishes, calls.
// Arguments: module of the core client, URL, user, password, name of the service to publish; with the module of the
// service's client it is called.

const fs = require('fs');

const [coreModule, baseUrl, username, password, name, serviceModule] = process.argv.slice(2);

function client(module) {
  const { Api } = require(module);
  const securityWorker = (token) => (token ? { headers: { Authorization: `Bearer ${token}` } } : {});
  return new Api({ baseUrl, securityWorker, baseApiParams: { secure: true, format: 'json' } });
}

const service = {
  code: 'y <- 2 * x; z <- data.frame(n = x)',
  inputParameterDefinitions: [{ name: 'x', type: 'numeric' }],
  outputParameterDefinitions: [{ name: 'y', type: 'numeric' }, { name: 'z', type: 'data.frame' }],
  operationId: 'double',
};

async function publish() {
  const core = client(coreModule);
  core.setSecurityData((await core.login.login({ username, password })).data.access_token);
  const { data: session } = await core.sessions.createSession({ runtimeType: 'R' });
  const code = { code: 'a <- b + 1', inputParameters: [{ name: 'b', value: 1 }], outputParameters: ['a'] };
  const { data: done } = await core.sessions.executeCode(session.sessionId, code);
  await core.sessions.closeSession(session.sessionId);
  const published = await core.services.publishWebServiceVersion(name, '1', service);
  const { data: listed } = await core.services.getAllWebServiceVersionsByName(name);
  return { a: done.outputParameters, status: published.status, versions: listed.map((item) => item.version) };
}

async function consume() {
  const api = client(serviceModule);
  api.setSecurityData((await api.login.login({ username, password })).data.access_token);
  const { data: called } = await api.api.double({ x: 21 });
  const { data: started, status } = await api.api.startBatchExecution([{ x: 1 }, { x: 2 }]);
  const found = async () => (await api.api.getBatchExecutionStatus(started.batchExecutionId)).data;
  let batch = await found();
  for (let tries = 0; batch.state !== 'Complete' && tries < 1200; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    batch = await found();
  }
  const { data: deleted } = await api.api.cancelAndDeleteBatchExecution(started.batchExecutionId);
  const results = batch.batchExecutionResults.map((item) => item.outputParameters.y);
  return { outputs: called.outputParameters, status, results, deleted };
}

(serviceModule ? consume() : publish()).then(
  (said) => fs.writeSync(1, JSON.stringify(said)),
  (error) => { console.error(error.error || error); process.exit(1); },
);
