import { readInC } from '../reader.mjs'

readInC('UID FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)')
