/** What people write, by the charsets that can hold it. */

export interface Script {
  charsets: string[]
  names: string[]
  subjects: string[]
  sentences: string[]
}

export const SCRIPTS: Record<string, Script> = {
  english: {
    charsets: ['us-ascii', 'utf-8', 'iso-8859-1', 'windows-1252'],
    names: ['Ada Lovelace', 'J. R. Hacker', 'Bob', "Conan O'Brien", 'Hopper, Grace', 'Sales (EMEA)', 'ops@night'],
    subjects: ['Quarterly report', 'Re: lunch?', 'FW: [ops] disk full', 'a', '100% off = nothing', 'x'.repeat(90)],
    sentences: [
      'Please find the plan below.',
      'We met = we talked.',
      'From here it goes on.',
      '.',
      '-- not a signature',
    ],
  },
  german: {
    charsets: ['utf-8', 'iso-8859-1', 'iso-8859-15', 'windows-1252'],
    names: ['Jürgen Groß', 'Müller, Käthe', 'Zoë Ångström'],
    subjects: [
      'Grüße aus München',
      'AW: Verträge für Köln',
      'Übermäßig größere Änderungen über längere Zeiträume hinweg',
    ],
    sentences: ['Die Übergabe ist am Freitag um zwölf.', 'Größe: fünf Meter, Länge: zwölf.', 'Schöne Grüße, Jörg'],
  },
  russian: {
    charsets: ['utf-8', 'koi8-r', 'windows-1251', 'iso-8859-5'],
    names: ['Анна Каренина', 'Пётр Иванов'],
    subjects: ['Договор на подпись', 'Отчёт за третий квартал и план на следующий год'],
    sentences: ['Здравствуйте, высылаю договор на подпись.', 'С уважением, отдел продаж.'],
  },
  greek: {
    charsets: ['utf-8', 'iso-8859-7', 'windows-1253'],
    names: ['Ελένη Παππά'],
    subjects: ['Καλημέρα από την Αθήνα', 'Προσφορά για το νέο έργο'],
    sentences: ['Σας στέλνω την προσφορά για το έργο.', 'Με εκτίμηση'],
  },
  chinese: {
    charsets: ['utf-8', 'gb2312', 'gbk', 'gb18030'],
    names: ['李明', '王小红', '采购部'],
    subjects: ['关于合同的问题', '回复: 会议安排', '第三季度销售报告和下一年度的工作计划安排请查收并尽快回复'],
    sentences: ['您好，附件是合同，请查收。', '会议改到星期五下午三点。', '谢谢！'],
  },
  taiwanese: {
    charsets: ['utf-8', 'big5'],
    names: ['陳大文', '業務部'],
    subjects: ['關於合約的問題', '會議時間變更通知與下一年度的工作計畫'],
    sentences: ['您好，附件是合約，請查收。', '會議改到星期五下午三點。'],
  },
  japanese: {
    charsets: ['utf-8', 'iso-2022-jp', 'shift_jis', 'euc-jp'],
    names: ['田中太郎', '営業部'],
    subjects: ['お見積りの件', '会議の日程変更のお知らせと来年度の事業計画についてのご連絡'],
    sentences: ['お世話になっております。', '見積書を添付いたします。', 'よろしくお願いいたします。'],
  },
  korean: {
    charsets: ['utf-8', 'euc-kr'],
    names: ['김철수', '영업부'],
    subjects: ['계약서 검토 요청', '회의 일정 변경 안내 및 내년 사업 계획에 대한 의견 요청'],
    sentences: ['안녕하세요, 계약서를 보내드립니다.', '확인 부탁드립니다.'],
  },
  hebrew: {
    charsets: ['utf-8', 'windows-1255'],
    names: ['דוד לוי'],
    subjects: ['הצעת מחיר לפרויקט'],
    sentences: ['שלום, מצורפת הצעת המחיר.', 'בברכה'],
  },
  emoji: {
    charsets: ['utf-8'],
    names: ['Party 🎉 Team'],
    subjects: ['🎉 Launch day 🚀', '👩‍👩‍👧‍👦 family plan 🎈'],
    sentences: ['See you there! 🎉', 'Thumbs up 👍🏽'],
  },
}

export const WORDS = ['plan', 'report', 'invoice', 'logo', 'contract', 'notes', 'scan', 'budget']
export const DOMAINS = ['example.com', 'mail.example.org', 'contoso.example', 'xn--bcher-kva.example', 'qq.example.cn']
