import { given } from '../meter.mjs'
import { readInC } from '../reader.mjs'

readInC('UID SEARCH NOT DRAFT', { messages: given.messages })
