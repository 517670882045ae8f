/** The dashboard for the rest of heddle: a page over a recorded or running trace, and the report that opens offline. */
export { type Dashboard, type DashboardOptions, openDashboard } from './server/open-dashboard.ts'
export { writeReport } from './server/pages.ts'
