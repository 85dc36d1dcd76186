'use strict';
/* Every kind of input the library can build, sent to R and read back. R's own view of them comes as `checks`. */
const fs = require('fs');
const path = require('path');
const { deployr, ask, login, createProject, main } = require('./support');
const R = deployr.RInput;
const CHECKS = fs.readFileSync(path.join(__dirname, 'values.R'), 'utf8');

const DAY = new Date(2011, 9, 4);
const INSTANT = new Date(Date.UTC(2011, 9, 5, 12, 13, 14));
const DAYS = [new Date(2011, 1, 1), new Date(2012, 1, 29), new Date(1969, 11, 31)];
const INSTANTS = [INSTANT, new Date(Date.UTC(1999, 11, 31, 23, 59, 59))];

function inputs() {
  return [
    R.character('x_character', 'Grüße, "Welt" \\ €'),
    R.integer('x_integer', 10),
    R.numeric('x_numeric', 5.5),
    R.logical('x_logical', true),
    R.date('x_date', DAY),
    R.posixct('x_posixct', INSTANT),
    R.characterVector('x_character_vector', ['a', 'b', '']),
    R.integerVector('x_integer_vector', [10, 11, 12]),
    R.numericVector('x_numeric_vector', [10.1, -2.5e300, 0]),
    R.logicalVector('x_logical_vector', [true, false, true]),
    R.dateVector('x_date_vector', DAYS),
    R.posixctVector('x_posixct_vector', INSTANTS),
    R.numericMatrix('x_numeric_matrix', [[1.5, 3, 12], [2, 11, 13]]),
    R.integerMatrix('x_integer_matrix', [[1, 2], [3, 4], [5, 6]]),
    R.logicalMatrix('x_logical_matrix', [[true, false], [false, false]]),
    R.characterMatrix('x_character_matrix', [['a', 'b', 'c']]),
    R.factor('x_factor', ['b', 'a', 'b']),
    R.factor('x_factor_labels', ['s', 'l', 's'], ['s', 'm', 'l'], ['small', 'medium', 'large']),
    R.ordered('x_ordered', ['low', 'high'], ['low', 'mid', 'high']),
    R.list('x_list', [
      R.character('text', 'one'),
      R.numericVector('numbers', [1.5, 2]),
      R.date('day', DAY),
      R.posixctVector('instants', INSTANTS),
      R.factor('factor', ['u', 'v']),
      R.logicalMatrix('matrix', [[true], [false]]),
      R.list('inner', [R.integer('deep', 7)]),
      R.dataframe('frame', [R.numericVector('a', [1, 2]), R.characterVector('b', ['x', 'y'])]),
    ]),
    R.dataframe('x_dataframe', [
      R.characterVector('name', ['ann', 'bob']),
      R.integerVector('age', [41, 42]),
      R.logicalVector('member', [true, false]),
      R.dateVector('joined', DAYS.slice(0, 2)),
      R.posixctVector('seen', INSTANTS),
      R.factor('group', ['g1', 'g2']),
      R.dataframe('flattened', [R.numericVector('score', [0.5, 0.25])]),
    ]),
  ];
}

main(async () => {
  const user = await login();
  const names = inputs().map((input) => input.name);
  const reply = await ask(
    user
      .io('/r/project/execute/code', { project: await createProject(user), code: CHECKS })
      .rinputs(inputs())
      .routputs(['checks', ...names])
  );
  await ask(user.io('/r/user/logout'));
  const [result, ...objects] = reply.workspace.objects;
  return { names, checks: result, objects };
});
