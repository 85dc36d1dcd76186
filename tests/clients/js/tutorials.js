'use strict';
/* What the tutorials and examples do with the scripts that a new server has, in both repositories. */
const rbroker = require('rbroker');
const { deployr, ask, login, createProject, main } = require('./support');

const R = deployr.RInput;
const ACCOUNT = [R.numeric('bal', 20000), R.numeric('trans', 90), R.numeric('credit', 5)];
const MODEL = { preloadobjectname: 'fraudModel.rData', preloadobjectauthor: 'testuser' };
const STARS = { preloadfilename: 'hipStar.dat', preloadfileauthor: 'testuser', preloadfiledirectory: 'example-data-io' };

const script = (io, data, inputs, outputs) =>
  ask(io('/r/repository/script/execute', { author: 'testuser', ...data }).rinputs(inputs).routputs(outputs));

/* The example's server code scores accounts on the external copy too. */
const fraud = (io, directory) =>
  script(io, { filename: 'ccFraudScore.R', directory, ...MODEL, preloadobjectdirectory: directory }, ACCOUNT, ['x']);

/* Both scripts in one project, the second on what the first left. */
async function regression(user) {
  const project = await createProject(user);
  const run = (filename, inputs, outputs) =>
    ask(user.io('/r/project/execute/script', { project, filename, author: 'testuser', directory: 'root' })
      .rinputs(inputs).routputs(outputs));
  const read = await run('DeployR - ReadCSV', [], ['output_vars']);
  const columns = [R.character('input_x', 'hp'), R.character('input_y', 'mpg')];
  return { read, regressed: await run('DeployR - Simple Regression', columns, ['r_squared', 'coefficients']) };
}

/* A background broker: the second task names a script that does not exist. */
const background = () => new Promise((resolve) => {
  const seen = { completed: [], errors: [] };
  const broker = rbroker
    .backgroundTaskBroker({
      host: process.env.DEPLOYR_HOST,
      credentials: { username: 'testuser', password: 'changeme' },
    })
    .complete((_task, result) => seen.completed.push(result))
    .error((error) => seen.errors.push(String(error)))
    .idle(() => broker.shutdown().then(() => resolve(seen)));
  for (const rscriptname of ['rtScore.R', 'No Such Script.R']) {
    const place = { rscriptname, rscriptdirectory: 'tutorial-rbroker', rscriptauthor: 'testuser' };
    broker.submit(rbroker.backgroundTask({
      name: rscriptname,
      descr: 'tutorial',
      ...place,
      rinputs: [R.numeric('customerid', 7)],
      preloadobjectname: 'insurModel.rData',
      preloadobjectdirectory: 'tutorial-rbroker',
      preloadobjectauthor: 'testuser',
    }), false);
  }
});

main(async () => {
  const user = await login();
  const anonymous = (api, data) => deployr.io(api).data(data);
  const hello = { filename: 'DeployR - Hello World.R' };
  return {
    hello: await script(anonymous, hello, [R.numeric('input_randomNum', 12)], ['x']),
    external: await script(anonymous, { ...hello, directory: 'external:public:testuser' }, [], ['x']),
    fraud: await fraud(user.io, 'example-fraud-score'),
    externalFraud: await fraud(user.io, 'external:root:example-fraud-score'),
    stars: await script(user.io, { filename: 'dataIO.R', directory: 'example-data-io', ...STARS }, [],
      ['hip', 'hipDim', 'hipNames']),
    regression: await regression(user),
    background: await background(),
  };
});
