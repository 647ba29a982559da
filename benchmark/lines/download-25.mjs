import { downloadLine } from '../download.mjs'

export default downloadLine(25)
