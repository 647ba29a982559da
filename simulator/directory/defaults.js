'use strict'

// Everybody here is made up, and every domain ends in .example (RFC 2606), so no mail of a test can reach anyone.

/** The tenant of personal Microsoft accounts: the one id that is Microsoft's own. */
const CONSUMERS_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad'

const CONTOSO = 'c0de1111-7e57-4c05-8050-00000c0de001'
const FABRIKAM = 'c0de2222-7e57-4fab-8050-00000c0de002'

const tenants = [
  { id: CONTOSO, domain: 'contoso.example', name: 'Contoso (simulated)' },
  { id: FABRIKAM, domain: 'fabrikam.example', name: 'Fabrikam (simulated)', userConsent: 'admin-only' },
  { id: CONSUMERS_TENANT, domain: 'personal.example', name: 'Personal accounts (simulated)' },
]

const accounts = [
  {
    user: 'robin.sample@contoso.example',
    password: 'correct horse battery staple',
    name: 'Robin Sample',
    aliases: ['sales@contoso.example', 'robin@contoso.example'],
  },
  { user: 'kim.muster@contoso.example', password: 'kim-likes-tests', name: 'Kim Muster' },
  { user: 'admin@contoso.example', password: 'admin-likes-tests', name: 'Alex Admin', admin: true },
  { user: 'support@contoso.example', name: 'Support (shared mailbox)', shared: ['robin.sample@contoso.example'] },
  { user: 'sam.placeholder@fabrikam.example', password: 'sam-likes-tests', name: 'Sam Placeholder' },
  { user: 'admin@fabrikam.example', password: 'admin-likes-tests', name: 'Ari Admin', admin: true },
  { user: 'noa.nobody@personal.example', password: 'noa-likes-tests', name: 'Noa Nobody' },
  { user: 'jo.example@gmail.example', password: 'jo-likes-tests', name: 'Jo Example', provider: 'google' },
]

const redirectUris = [
  'https://crm.example/admin/settings/mail/oauth2',
  'http://localhost/admin/settings/mail/oauth2',
  'http://localhost/callback',
  'http://127.0.0.1/callback',
]

const clients = [
  {
    id: 'c0dec11e-a7e5-4000-8000-00000c0de001',
    secret: 'Sim8Q~not-a-real-secret-value',
    name: 'Example CRM mail',
    redirectUris,
    allowPublicClient: true,
    roles: ['IMAP.AccessAsApp', 'SMTP.SendAsApp'],
    mailboxAccess: ['support@contoso.example'],
  },
  {
    id: '000000000000-simulated.apps.googleusercontent.example',
    secret: 'GOCSPX-not-a-real-secret',
    name: 'Example CRM mail',
    provider: 'google',
    redirectUris,
  },
]

module.exports = { CONSUMERS_TENANT, tenants, accounts, clients, redirectUris }
