// unstorage, in both directions
//
//   unstorage/driver.ts  offers a store as a driver of unstorage
//   unstorage/plugin.ts  offers a driver of unstorage as a backend of botshelf

export { type StoreDriver, unstorageDriver } from './unstorage/driver.ts'
export { unstorage, UnstorageStoragePlugin } from './unstorage/plugin.ts'
