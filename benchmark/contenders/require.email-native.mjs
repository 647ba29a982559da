import { measureLoading } from '../loading.mjs'

measureLoading(['./index.js'])
