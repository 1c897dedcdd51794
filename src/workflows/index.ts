export { serveStore } from './serve-store.ts';
export { updateCustomers } from './update-customers.ts';
