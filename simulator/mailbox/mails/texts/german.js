'use strict'

/** @type {import('./index.js').Texts} */
module.exports = {
  subjects: [
    'Rückfrage zu Angebot {n}',
    'Terminverschiebung: Besprechung am Donnerstag',
    'Auftragsbestätigung {n}',
    'Prüfprotokoll für die Maschine in Halle 3',
    'Mahnung zur Rechnung {n}',
    'Änderungswünsche zum Vertragsentwurf',
    'Schöne Grüße von der Messe',
    'Lieferschein fehlt',
  ],
  paragraphs: [
    'vielen Dank für Ihre schnelle Rückmeldung. Wir haben die Stückliste geprüft und können {n} Positionen noch in dieser Woche ausliefern; der Rest folgt, sobald der zweite Lkw bestätigt ist.',
    'Die überarbeiteten Zahlen finden Sie unten. Der Stückpreis bleibt gleich, allerdings ist der Frachtzuschlag im Oktober um 4 % gestiegen, daher die höhere Gesamtsumme.',
    'Könnten Sie bitte die Abschnitte 3 und 7 bis Freitag durchsehen? Die Rechtsabteilung wünscht sich einen Satz zur Aufbewahrungsfrist.',
    'Die Maschine läuft seit gestern wieder störungsfrei. Ursache war ein verschlissenes Kugellager an der Förderstrecke; das Ersatzteil (Nr. {n}) haben wir nachbestellt.',
    'Leider ist die Rechnung {n} noch offen. Bitte prüfen Sie, ob sie bei Ihnen eingegangen ist. Sollte sich unsere Mail mit Ihrer Zahlung überschnitten haben, betrachten Sie sie als gegenstandslos.',
    'Ich bin bis einschließlich Mittwoch im Büro und danach auf der Messe in München. In dringenden Fällen hilft Ihnen Frau Großmann gern weiter.',
    'Für die Übergabe schlage ich den 12. oder den 14. vor, jeweils um 10 Uhr in Köln. Falls beides nicht passt, richten wir uns nach Ihnen.',
    'Die Maße in der Zeichnung stimmen nicht mit dem Muster überein: Außen fehlen 2 mm. Bitte klären Sie das, bevor wir die Serie freigeben.',
  ],
  replies: [
    'danke, so können wir es machen.',
    'einverstanden. Ich ergänze die Tabelle heute Abend.',
    'eine kleine Korrektur unten, sonst in Ordnung.',
    'ich nehme Herrn Weiß in den Verteiler auf.',
  ],
  greeting: (name) => `Guten Tag ${name},`,
  closing: 'Mit freundlichen Grüßen',
  replyPrefix: 'AW: ',
  forwardPrefix: 'WG: ',
  quoteLine: (person, date) => `Am ${date} schrieb ${person}:`,
  meeting: {
    subject: 'Projektbesprechung',
    location: 'Besprechungsraum „Zürich“, 2. OG',
    description: 'Tagesordnung: Stand, offene Punkte, nächste Schritte. Bitte Unterlagen am Vorabend schicken.',
  },
  headlines: [
    'Nur für kurze Zeit: Bürostühle zum Frühbucherpreis',
    'Neues aus der Werkstatt',
    'So überstehen Sie die Betriebsprüfung',
  ],
  files: ['Angebot', 'Prüfprotokoll', 'Übergabe', 'Rechnung', 'Maßzeichnung Gehäuse'],
  unsubscribe: 'Sie möchten keine weiteren Nachrichten erhalten? Hier abmelden',
}
