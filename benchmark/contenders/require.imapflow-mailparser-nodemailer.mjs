import { measureLoading } from '../loading.mjs'

measureLoading(['imapflow', 'mailparser', 'nodemailer'])
