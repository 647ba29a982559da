'use strict'

/*
 * Made-up people of made-up firms. Every domain ends in .example (RFC 2606), so no address can be anybody's.
 */

/** @typedef {'en' | 'ja' | 'zh' | 'tw' | 'de'} Language `tw`: Chinese in traditional characters */
/** @typedef {{ name: string, address: string, company: string, title: string, zone: string }} Person */

/**
 * @param {string} company
 * @param {string} domain
 * @param {string} zone
 * @param {Array<[string, string, string]>} people name, local part, title
 * @returns {Person[]}
 */
function firm(company, domain, zone, people) {
  return people.map(([name, local, title]) => ({ name, address: `${local}@${domain}`, company, title, zone }))
}

/** @type {Record<Language, Person[]>} */
const people = {
  en: [
    ...firm('Northwind Logistics', 'northwind-logistics.example', '-0500', [
      ['Emma Carter', 'emma.carter', 'Operations Manager'],
      ["Liam O'Brien", 'liam.obrien', 'Freight Coordinator'],
      ['Priya Natarajan', 'priya.n', 'Head of Procurement'],
    ]),
    ...firm('Brightwater Studio', 'brightwater.example', '+0000', [
      ['Oliver Hughes', 'oliver', 'Creative Director'],
      ['Sophie Bennett', 'sophie', 'Account Lead'],
    ]),
    ...firm('Cedar & Pike LLP', 'cedarpike.example', '-0800', [
      ['Daniel Reyes', 'dreyes', 'Partner'],
      ['Grace Lindqvist', 'glindqvist', 'Associate'],
    ]),
  ],
  ja: [
    ...firm('株式会社あおぞら商事', 'aozora-shoji.example', '+0900', [
      ['佐藤 花子', 'hanako.sato', '営業部'],
      ['鈴木 一郎', 'ichiro.suzuki', '購買部 課長'],
      ['高橋 美咲', 'misaki.takahashi', '経理部'],
    ]),
    ...firm('みなと精工株式会社', 'minato-seiko.example', '+0900', [
      ['田中 健太', 'kenta.tanaka', '品質管理部'],
      ['渡辺 直子', 'naoko.watanabe', '総務部'],
    ]),
  ],
  zh: [
    ...firm('上海云帆科技有限公司', 'yunfan-tech.example', '+0800', [
      ['王小明', 'wang.xiaoming', '产品经理'],
      ['李娜', 'li.na', '采购专员'],
      ['张伟', 'zhang.wei', '技术总监'],
    ]),
    ...firm('广州恒信贸易有限公司', 'hengxin-trade.example', '+0800', [
      ['陈静', 'chen.jing', '财务部'],
      ['刘洋', 'liu.yang', '销售经理'],
    ]),
  ],
  tw: firm('晨光設計有限公司', 'morninglight-design.example', '+0800', [
    ['林怡君', 'yijun.lin', '專案經理'],
    ['黃志豪', 'zhihao.huang', '設計師'],
  ]),
  de: [
    ...firm('Müller Maschinenbau GmbH', 'mueller-maschinenbau.example', '+0100', [
      ['Jürgen Müller', 'j.mueller', 'Geschäftsführer'],
      ['Anke Schröder', 'a.schroeder', 'Einkauf'],
    ]),
    ...firm('Weiß & Söhne OHG', 'weiss-soehne.example', '+0100', [
      ['Björn Weiß', 'bjoern.weiss', 'Vertrieb'],
      ['Käthe Großmann', 'k.grossmann', 'Buchhaltung'],
    ]),
  ],
}

/**
 * The mailbox's own user, with a name made from the address where nobody says one.
 *
 * @param {string} address
 * @param {string} [name]
 * @returns {Person}
 */
function ownPerson(address, name) {
  const local = address.split('@')[0]
  const words = local.split(/[._-]+/).filter(Boolean)
  const made = words.map((word) => word[0].toUpperCase() + word.slice(1)).join(' ')
  return { name: name ?? made, address, company: 'Contoso', title: 'Project Office', zone: '+0000' }
}

module.exports = { ownPerson, people }
