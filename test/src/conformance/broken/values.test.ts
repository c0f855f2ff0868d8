import { BrokenPlugin, patchReads, testBrokenStorages } from './broken-plugin.ts'

testBrokenStorages([
  {
    fault: 'loses falsy values',
    rule: 'values/null',
    create: () => new BrokenPlugin(patchReads((entry) => (entry.value ? entry : undefined))),
  },
  {
    fault: 'stores values as JSON',
    rule: 'values/date',
    create: () =>
      new BrokenPlugin(
        patchReads((entry) => ({
          ...entry,
          value: JSON.parse(JSON.stringify(entry.value) ?? 'null') as unknown,
        })),
      ),
  },
])
