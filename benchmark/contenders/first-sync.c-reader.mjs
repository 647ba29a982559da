import { readInC } from '../reader.mjs'

readInC('UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)')
