//! Zones by the names of the IANA database and of Windows (CLDR), by the rule that holds today (tzdata 2026f).
//!
//! Invitations are about days to come, so no history: a name stands for one rule. It is the zone's standard time in
//! minutes east of UTC and, where clocks change, how many minutes they are put forward between which two local times
//! (month, week with 5 for the last, weekday with 0 for Sunday, seconds).

use super::known::Clock;

pub(super) const CLOCKS: &[(Clock, &str)] = &[
    (Clock::fixed(-720), "Etc/GMT+12|Dateline Standard Time"),
    (Clock::fixed(-660), "Etc/GMT+11|Pacific/Niue|Pacific/Pago_Pago|US/Samoa|Pacific/Samoa|Pacific/Midway|UTC-11"),
    (
        Clock::fixed(-600),
        "Etc/GMT+10|Pacific/Honolulu|Pacific/Rarotonga|Pacific/Tahiti|US/Hawaii|Pacific/Johnston|HST|\
         Hawaiian Standard Time",
    ),
    (
        Clock::summer(-600, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Adak|US/Aleutian|America/Atka|Aleutian Standard Time",
    ),
    (Clock::fixed(-570), "Pacific/Marquesas|Marquesas Standard Time"),
    (Clock::fixed(-540), "Etc/GMT+9|Pacific/Gambier|UTC-09"),
    (
        Clock::summer(-540, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Anchorage|America/Juneau|America/Metlakatla|America/Nome|America/Sitka|America/Yakutat|US/Alaska|\
         Alaskan Standard Time",
    ),
    (Clock::fixed(-480), "Etc/GMT+8|Pacific/Pitcairn|UTC-08"),
    (
        Clock::summer(-480, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Los_Angeles|America/Tijuana|PST8PDT|Mexico/BajaNorte|US/Pacific|America/Ensenada|\
         America/Santa_Isabel|Pacific Standard Time|Pacific Standard Time (Mexico)|Pacific Time (US & Canada)|\
         Pacific Time",
    ),
    (
        Clock::fixed(-420),
        "America/Dawson|America/Dawson_Creek|America/Fort_Nelson|America/Hermosillo|America/Mazatlan|\
         America/Phoenix|America/Vancouver|America/Whitehorse|Etc/GMT+7|Canada/Pacific|Canada/Yukon|MST|\
         Mexico/BajaSur|US/Arizona|America/Creston|British Columbia Standard Time|Mountain Standard Time (Mexico)|\
         US Mountain Standard Time|Yukon Standard Time",
    ),
    (
        Clock::summer(-420, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Boise|America/Cambridge_Bay|America/Ciudad_Juarez|America/Denver|MST7MDT|Navajo|US/Mountain|\
         America/Shiprock|Mountain Standard Time|Mountain Time (US & Canada)|Mountain Time",
    ),
    (
        Clock::fixed(-360),
        "America/Bahia_Banderas|America/Belize|America/Chihuahua|America/Costa_Rica|America/Edmonton|\
         America/El_Salvador|America/Guatemala|America/Inuvik|America/Managua|America/Merida|America/Mexico_City|\
         America/Monterrey|America/Regina|America/Swift_Current|America/Tegucigalpa|Etc/GMT+6|Pacific/Galapagos|\
         Canada/Mountain|Canada/Saskatchewan|Mexico/General|America/Yellowknife|Alberta Standard Time|\
         Canada Central Standard Time|Central America Standard Time|Central Standard Time (Mexico)",
    ),
    (
        Clock::summer(-360, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Chicago|America/Indiana/Knox|America/Indiana/Tell_City|America/Matamoros|America/Menominee|\
         America/North_Dakota/Beulah|America/North_Dakota/Center|America/North_Dakota/New_Salem|America/Ojinaga|\
         America/Rankin_Inlet|America/Resolute|CST6CDT|US/Central|US/Indiana-Starke|America/Knox_IN|\
         Central Standard Time|Central Time (US & Canada)|Central Time",
    ),
    (
        Clock::summer(-360, 60, (9, 1, 6, 79200), (4, 1, 6, 79200)),
        "Pacific/Easter|Chile/EasterIsland|Easter Island Standard Time",
    ),
    (
        Clock::fixed(-300),
        "America/Bogota|America/Cancun|America/Eirunepe|America/Guayaquil|America/Jamaica|America/Lima|\
         America/Panama|America/Rio_Branco|America/Winnipeg|Etc/GMT+5|Brazil/Acre|Canada/Central|EST|Jamaica|\
         America/Atikokan|America/Cayman|America/Coral_Harbour|America/Porto_Acre|America/Rainy_River|\
         Eastern Standard Time (Mexico)|Manitoba Standard Time|SA Pacific Standard Time",
    ),
    (Clock::summer(-300, 60, (3, 2, 0, 0), (11, 1, 0, 3600)), "America/Havana|Cuba|Cuba Standard Time"),
    (
        Clock::summer(-300, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Detroit|America/Grand_Turk|America/Indiana/Indianapolis|America/Indiana/Marengo|\
         America/Indiana/Petersburg|America/Indiana/Vevay|America/Indiana/Vincennes|America/Indiana/Winamac|\
         America/Iqaluit|America/Kentucky/Louisville|America/Kentucky/Monticello|America/New_York|\
         America/Port-au-Prince|America/Toronto|EST5EDT|Canada/Eastern|US/East-Indiana|US/Eastern|US/Michigan|\
         America/Indianapolis|America/Louisville|America/Nassau|America/Fort_Wayne|America/Montreal|\
         America/Nipigon|America/Pangnirtung|America/Thunder_Bay|Eastern Standard Time|Haiti Standard Time|\
         Turks And Caicos Standard Time|US Eastern Standard Time|Eastern Time (US & Canada)|Eastern Time",
    ),
    (
        Clock::fixed(-240),
        "America/Barbados|America/Boa_Vista|America/Campo_Grande|America/Caracas|America/Cuiaba|America/Guyana|\
         America/La_Paz|America/Manaus|America/Martinique|America/Porto_Velho|America/Puerto_Rico|\
         America/Santo_Domingo|Etc/GMT+4|Brazil/West|America/Virgin|America/Anguilla|America/Antigua|\
         America/Aruba|America/Blanc-Sablon|America/Curacao|America/Dominica|America/Grenada|America/Guadeloupe|\
         America/Kralendijk|America/Lower_Princes|America/Marigot|America/Montserrat|America/Port_of_Spain|\
         America/St_Barthelemy|America/St_Kitts|America/St_Lucia|America/St_Thomas|America/St_Vincent|\
         America/Tortola|Central Brazilian Standard Time|SA Western Standard Time|Venezuela Standard Time",
    ),
    (
        Clock::summer(-240, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/Glace_Bay|America/Goose_Bay|America/Halifax|America/Moncton|America/Thule|Atlantic/Bermuda|\
         Canada/Atlantic|Atlantic Standard Time|Atlantic Time (Canada)",
    ),
    (
        Clock::summer(-240, 60, (9, 1, 6, 86400), (4, 1, 6, 86400)),
        "America/Santiago|Chile/Continental|Pacific SA Standard Time",
    ),
    (
        Clock::summer(-210, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)),
        "America/St_Johns|Canada/Newfoundland|Newfoundland Standard Time",
    ),
    (
        Clock::fixed(-180),
        "America/Araguaina|America/Argentina/Buenos_Aires|America/Argentina/Catamarca|America/Argentina/Cordoba|\
         America/Argentina/Jujuy|America/Argentina/La_Rioja|America/Argentina/Mendoza|\
         America/Argentina/Rio_Gallegos|America/Argentina/Salta|America/Argentina/San_Juan|\
         America/Argentina/San_Luis|America/Argentina/Tucuman|America/Argentina/Ushuaia|America/Asuncion|\
         America/Bahia|America/Belem|America/Cayenne|America/Coyhaique|America/Fortaleza|America/Maceio|\
         America/Montevideo|America/Paramaribo|America/Punta_Arenas|America/Recife|America/Santarem|\
         America/Sao_Paulo|Antarctica/Palmer|Antarctica/Rothera|Atlantic/Stanley|Etc/GMT+3|Brazil/East|\
         America/Buenos_Aires|America/Catamarca|America/Cordoba|America/Jujuy|America/Mendoza|\
         America/Argentina/ComodRivadavia|America/Rosario|Argentina Standard Time|Bahia Standard Time|\
         E. South America Standard Time|Magallanes Standard Time|Montevideo Standard Time|Paraguay Standard Time|\
         SA Eastern Standard Time|Tocantins Standard Time",
    ),
    (Clock::summer(-180, 60, (3, 2, 0, 7200), (11, 1, 0, 7200)), "America/Miquelon|Saint Pierre Standard Time"),
    (Clock::fixed(-120), "America/Noronha|Atlantic/South_Georgia|Etc/GMT+2|Brazil/DeNoronha|UTC-02"),
    (
        Clock::summer(-120, 60, (3, 5, 0, -3600), (10, 5, 0, 0)),
        "America/Nuuk|America/Scoresbysund|America/Godthab|Greenland Standard Time",
    ),
    (Clock::fixed(-60), "Atlantic/Cape_Verde|Etc/GMT+1|Cape Verde Standard Time"),
    (Clock::summer(-60, 60, (3, 5, 0, 0), (10, 5, 0, 3600)), "Atlantic/Azores|Azores Standard Time"),
    (
        Clock::fixed(0),
        "Africa/Abidjan|Africa/Bissau|Africa/Casablanca|Africa/El_Aaiun|Africa/Monrovia|Africa/Sao_Tome|\
         America/Danmarkshavn|Etc/GMT|Etc/UTC|GMT|Etc/GMT+0|Etc/GMT-0|Etc/GMT0|Etc/Greenwich|Etc/UCT|\
         Etc/Universal|Etc/Zulu|GMT+0|GMT-0|GMT0|Greenwich|Iceland|UCT|UTC|Universal|Zulu|Africa/Accra|\
         Africa/Bamako|Africa/Banjul|Africa/Conakry|Africa/Dakar|Africa/Freetown|Africa/Lome|Africa/Nouakchott|\
         Africa/Ouagadougou|Atlantic/Reykjavik|Atlantic/St_Helena|Africa/Timbuktu|Greenwich Standard Time|\
         Morocco Standard Time|Sao Tome Standard Time|Z|Coordinated Universal Time|tzone://Microsoft/Utc",
    ),
    (Clock::summer(0, 120, (3, 5, 0, 3600), (10, 5, 0, 10800)), "Antarctica/Troll"),
    (
        Clock::summer(0, 60, (3, 5, 0, 3600), (10, 5, 0, 7200)),
        "Atlantic/Canary|Atlantic/Faroe|Atlantic/Madeira|Europe/Dublin|Europe/Lisbon|Europe/London|Eire|GB|\
         GB-Eire|Portugal|Europe/Guernsey|Europe/Isle_of_Man|Europe/Jersey|Europe/Belfast|WET|Atlantic/Faeroe|\
         GMT Standard Time",
    ),
    (
        Clock::fixed(60),
        "Africa/Algiers|Africa/Lagos|Africa/Ndjamena|Africa/Tunis|Etc/GMT-1|Africa/Bangui|Africa/Brazzaville|\
         Africa/Douala|Africa/Kinshasa|Africa/Libreville|Africa/Luanda|Africa/Malabo|Africa/Niamey|\
         Africa/Porto-Novo|W. Central Africa Standard Time",
    ),
    (
        Clock::summer(60, 60, (3, 5, 0, 7200), (10, 5, 0, 10800)),
        "Africa/Ceuta|Europe/Andorra|Europe/Belgrade|Europe/Berlin|Europe/Brussels|Europe/Budapest|\
         Europe/Gibraltar|Europe/Madrid|Europe/Malta|Europe/Paris|Europe/Prague|Europe/Rome|Europe/Tirane|\
         Europe/Vienna|Europe/Warsaw|Europe/Zurich|CET|MET|Poland|Arctic/Longyearbyen|Europe/Amsterdam|\
         Europe/Bratislava|Europe/Busingen|Europe/Copenhagen|Europe/Ljubljana|Europe/Luxembourg|Europe/Monaco|\
         Europe/Oslo|Europe/Podgorica|Europe/San_Marino|Europe/Sarajevo|Europe/Skopje|Europe/Stockholm|\
         Europe/Vaduz|Europe/Vatican|Europe/Zagreb|Atlantic/Jan_Mayen|Central Europe Standard Time|\
         Central European Standard Time|Romance Standard Time|W. Europe Standard Time|Bern",
    ),
    (
        Clock::fixed(120),
        "Africa/Johannesburg|Africa/Juba|Africa/Khartoum|Africa/Maputo|Africa/Tripoli|Africa/Windhoek|Etc/GMT-2|\
         Europe/Kaliningrad|Libya|Africa/Blantyre|Africa/Bujumbura|Africa/Gaborone|Africa/Harare|Africa/Kigali|\
         Africa/Lubumbashi|Africa/Lusaka|Africa/Maseru|Africa/Mbabane|Kaliningrad Standard Time|\
         Libya Standard Time|Namibia Standard Time|South Africa Standard Time|South Sudan Standard Time|\
         Sudan Standard Time",
    ),
    (Clock::summer(120, 60, (3, 4, 4, 180000), (10, 4, 4, 180000)), "Asia/Gaza|Asia/Hebron|West Bank Standard Time"),
    (
        Clock::summer(120, 60, (3, 4, 4, 93600), (10, 5, 0, 7200)),
        "Asia/Jerusalem|Israel|Asia/Tel_Aviv|Israel Standard Time",
    ),
    (Clock::summer(120, 60, (3, 5, 0, 0), (10, 5, 0, 0)), "Asia/Beirut|Middle East Standard Time"),
    (
        Clock::summer(120, 60, (3, 5, 0, 10800), (10, 5, 0, 14400)),
        "Asia/Famagusta|Asia/Nicosia|Europe/Athens|Europe/Bucharest|Europe/Chisinau|Europe/Helsinki|Europe/Kyiv|\
         Europe/Riga|Europe/Sofia|Europe/Tallinn|Europe/Vilnius|EET|Europe/Mariehamn|Europe/Tiraspol|\
         Europe/Uzhgorod|Europe/Zaporozhye|Europe/Kiev|Europe/Nicosia|E. Europe Standard Time|FLE Standard Time|\
         GTB Standard Time",
    ),
    (Clock::summer(120, 60, (4, 5, 5, 0), (10, 5, 4, 86400)), "Africa/Cairo|Egypt|Egypt Standard Time"),
    (
        Clock::fixed(180),
        "Africa/Nairobi|Asia/Amman|Asia/Baghdad|Asia/Damascus|Asia/Qatar|Asia/Riyadh|Etc/GMT-3|Europe/Istanbul|\
         Europe/Kirov|Europe/Minsk|Europe/Moscow|Europe/Simferopol|Europe/Volgograd|Turkey|W-SU|\
         Africa/Addis_Ababa|Africa/Asmara|Africa/Dar_es_Salaam|Africa/Djibouti|Africa/Kampala|Africa/Mogadishu|\
         Antarctica/Syowa|Asia/Aden|Asia/Bahrain|Asia/Kuwait|Indian/Antananarivo|Indian/Comoro|Indian/Mayotte|\
         Africa/Asmera|Asia/Istanbul|Arab Standard Time|Arabic Standard Time|Belarus Standard Time|\
         E. Africa Standard Time|Jordan Standard Time|Russian Standard Time|Syria Standard Time|\
         Turkey Standard Time|Volgograd Standard Time",
    ),
    (Clock::fixed(210), "Asia/Tehran|Iran|Iran Standard Time"),
    (
        Clock::fixed(240),
        "Asia/Baku|Asia/Dubai|Asia/Tbilisi|Asia/Yerevan|Etc/GMT-4|Europe/Astrakhan|Europe/Samara|Europe/Saratov|\
         Europe/Ulyanovsk|Indian/Mauritius|Asia/Muscat|Indian/Mahe|Indian/Reunion|Arabian Standard Time|\
         Astrakhan Standard Time|Azerbaijan Standard Time|Caucasus Standard Time|Georgian Standard Time|\
         Mauritius Standard Time|Russia Time Zone 3|Saratov Standard Time",
    ),
    (Clock::fixed(270), "Asia/Kabul|Afghanistan Standard Time"),
    (
        Clock::fixed(300),
        "Antarctica/Mawson|Antarctica/Vostok|Asia/Almaty|Asia/Aqtau|Asia/Aqtobe|Asia/Ashgabat|Asia/Atyrau|\
         Asia/Dushanbe|Asia/Karachi|Asia/Oral|Asia/Qostanay|Asia/Qyzylorda|Asia/Samarkand|Asia/Tashkent|\
         Asia/Yekaterinburg|Etc/GMT-5|Indian/Maldives|Indian/Kerguelen|Asia/Ashkhabad|Ekaterinburg Standard Time|\
         Pakistan Standard Time|Qyzylorda Standard Time|West Asia Standard Time",
    ),
    (
        Clock::fixed(330),
        "Asia/Colombo|Asia/Kolkata|Asia/Calcutta|India Standard Time|Sri Lanka Standard Time|Mumbai|Chennai|\
         New Delhi",
    ),
    (Clock::fixed(345), "Asia/Kathmandu|Asia/Katmandu|Nepal Standard Time"),
    (
        Clock::fixed(360),
        "Asia/Bishkek|Asia/Dhaka|Asia/Omsk|Asia/Thimphu|Asia/Urumqi|Etc/GMT-6|Indian/Chagos|Asia/Kashgar|\
         Asia/Dacca|Asia/Thimbu|Bangladesh Standard Time|Central Asia Standard Time|Omsk Standard Time",
    ),
    (Clock::fixed(390), "Asia/Yangon|Indian/Cocos|Asia/Rangoon|Myanmar Standard Time"),
    (
        Clock::fixed(420),
        "Antarctica/Davis|Asia/Bangkok|Asia/Barnaul|Asia/Ho_Chi_Minh|Asia/Hovd|Asia/Jakarta|Asia/Krasnoyarsk|\
         Asia/Novokuznetsk|Asia/Novosibirsk|Asia/Pontianak|Asia/Tomsk|Etc/GMT-7|Asia/Phnom_Penh|Asia/Vientiane|\
         Indian/Christmas|Asia/Saigon|Altai Standard Time|N. Central Asia Standard Time|North Asia Standard Time|\
         SE Asia Standard Time|Tomsk Standard Time|W. Mongolia Standard Time",
    ),
    (
        Clock::fixed(480),
        "Antarctica/Casey|Asia/Hong_Kong|Asia/Irkutsk|Asia/Kuching|Asia/Macau|Asia/Makassar|Asia/Manila|\
         Asia/Shanghai|Asia/Singapore|Asia/Taipei|Asia/Ulaanbaatar|Australia/Perth|Etc/GMT-8|Australia/West|\
         Hongkong|PRC|ROC|Singapore|Asia/Brunei|Asia/Kuala_Lumpur|Asia/Choibalsan|Asia/Chongqing|Asia/Harbin|\
         Asia/Chungking|Asia/Macao|Asia/Ujung_Pandang|Asia/Ulan_Bator|China Standard Time|\
         North Asia East Standard Time|Singapore Standard Time|Taipei Standard Time|Ulaanbaatar Standard Time|\
         W. Australia Standard Time|Asia/Beijing",
    ),
    (Clock::fixed(525), "Australia/Eucla|Aus Central W. Standard Time"),
    (
        Clock::fixed(540),
        "Asia/Chita|Asia/Dili|Asia/Jayapura|Asia/Khandyga|Asia/Pyongyang|Asia/Seoul|Asia/Tokyo|Asia/Yakutsk|\
         Etc/GMT-9|Pacific/Palau|Japan|ROK|Korea Standard Time|North Korea Standard Time|Tokyo Standard Time|\
         Transbaikal Standard Time|Yakutsk Standard Time",
    ),
    (Clock::fixed(570), "Australia/Darwin|Australia/North|AUS Central Standard Time"),
    (
        Clock::summer(570, 60, (10, 1, 0, 7200), (4, 1, 0, 10800)),
        "Australia/Adelaide|Australia/Broken_Hill|Australia/South|Australia/Yancowinna|\
         Cen. Australia Standard Time",
    ),
    (
        Clock::fixed(600),
        "Asia/Ust-Nera|Asia/Vladivostok|Australia/Brisbane|Australia/Lindeman|Etc/GMT-10|Pacific/Guam|\
         Pacific/Port_Moresby|Australia/Queensland|Antarctica/DumontDUrville|Pacific/Chuuk|Pacific/Saipan|\
         Pacific/Yap|Pacific/Truk|E. Australia Standard Time|Vladivostok Standard Time|West Pacific Standard Time",
    ),
    (
        Clock::summer(600, 60, (10, 1, 0, 7200), (4, 1, 0, 10800)),
        "Antarctica/Macquarie|Australia/Hobart|Australia/Melbourne|Australia/Sydney|Australia/ACT|Australia/NSW|\
         Australia/Tasmania|Australia/Victoria|Australia/Canberra|Australia/Currie|AUS Eastern Standard Time|\
         Tasmania Standard Time",
    ),
    (
        Clock::summer(630, 30, (10, 1, 0, 7200), (4, 1, 0, 7200)),
        "Australia/Lord_Howe|Australia/LHI|Lord Howe Standard Time",
    ),
    (
        Clock::fixed(660),
        "Asia/Magadan|Asia/Sakhalin|Asia/Srednekolymsk|Etc/GMT-11|Pacific/Bougainville|Pacific/Efate|\
         Pacific/Guadalcanal|Pacific/Kosrae|Pacific/Noumea|Pacific/Pohnpei|Pacific/Ponape|\
         Bougainville Standard Time|Central Pacific Standard Time|Magadan Standard Time|Russia Time Zone 10|\
         Sakhalin Standard Time",
    ),
    (Clock::summer(660, 60, (10, 1, 0, 7200), (4, 1, 0, 10800)), "Pacific/Norfolk|Norfolk Standard Time"),
    (
        Clock::fixed(720),
        "Asia/Anadyr|Asia/Kamchatka|Etc/GMT-12|Pacific/Fiji|Pacific/Kwajalein|Pacific/Nauru|Pacific/Tarawa|\
         Kwajalein|Pacific/Funafuti|Pacific/Majuro|Pacific/Wake|Pacific/Wallis|Fiji Standard Time|\
         Russia Time Zone 11|UTC+12",
    ),
    (
        Clock::summer(720, 60, (9, 5, 0, 7200), (4, 1, 0, 10800)),
        "Pacific/Auckland|NZ|Antarctica/McMurdo|Antarctica/South_Pole|New Zealand Standard Time",
    ),
    (
        Clock::summer(765, 60, (9, 5, 0, 9900), (4, 1, 0, 13500)),
        "Pacific/Chatham|NZ-CHAT|Chatham Islands Standard Time",
    ),
    (
        Clock::fixed(780),
        "Etc/GMT-13|Pacific/Apia|Pacific/Fakaofo|Pacific/Kanton|Pacific/Tongatapu|Pacific/Enderbury|\
         Samoa Standard Time|Tonga Standard Time|UTC+13",
    ),
    (Clock::fixed(840), "Etc/GMT-14|Pacific/Kiritimati|Line Islands Standard Time"),
];
