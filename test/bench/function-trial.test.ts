import { expect, test } from 'vitest'
import { FunctionTrial } from '../../bench/functions/function-trial.ts'

test.each(['botshelf', 'json'])(
  'verify() decodes the texts of %s and rejects one of another value',
  (candidate) => {
    const trial = new FunctionTrial(candidate, { op: 'encode', count: 100 })
    const texts = trial.run()
    expect(() => trial.verify(texts)).not.toThrow()
    expect(() => trial.verify([texts[1], ...texts.slice(1)])).toThrow('The results')
  },
)
