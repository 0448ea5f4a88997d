/* paper_texts.h - the rows of data/i18n/paper.tsv: X(id, Kazakh, Russian, English). Made by
 * awk -f tools/paper-texts.awk data/i18n/paper.tsv; the test compares. Included where X is defined. */
X(SHEET_TITLE, "ЖАЗБАНЫҢ ДӘЛЕЛДЕМЕСІ", "ДОКАЗАТЕЛЬСТВО ЗАПИСИ", "PROOF OF A RECORD")
X(SHEET_ABOUT, "Бұл файлда оқиғаларды тіркеу журналынан алынған {1} жазба және олардың дәлелдемелері бар.",
  "Этот файл содержит записи журнала регистрации событий (всего: {1}) и их доказательства.",
  "This file holds records of an event log (count: {1}) and their proofs.")
X(SHEET_RECORD, "[{1}] Жазба", "[{1}] Запись", "[{1}] Record")
X(RECORD, "Жазба нөмірі", "Номер записи", "Record number")
X(TYPE, "Жазба түрі", "Вид записи", "Kind of record")
X(RECEIVED, "Қабылданды", "Получена", "Received")
X(SOURCE_TIME, "Дереккөз уақыты", "Время источника", "Time by the source")
X(CLOCK_ERROR, "Сағат қателігі, ең көбі", "Погрешность часов, не более", "Clock error, at most")
X(SOURCE, "Дереккөз", "Источник", "Source")
X(SOURCE_ID, "Дереккөз белгісі", "Обозначение источника", "Identifier of the source")
X(SEQUENCE, "Дереккөздегі дәуір және реттік нөмір", "Эпоха и порядковый номер у источника",
  "Epoch and sequence by the source")
X(LENGTH, "Ұзындығы, байт", "Длина, байт", "Length, bytes")
X(DIGEST, "Мазмұнның SHA-256 хеші", "SHA-256 содержания", "SHA-256 of the content")
X(LOG, "Журнал", "Журнал", "Log")
X(SIZE, "Қол қойылған бақылау нүктесіндегі жазбалар", "Записей в подписанной контрольной точке",
  "Records in the signed checkpoint")
X(ROOT, "Бақылау нүктесінің түбірлік хеші", "Корневой хеш контрольной точки", "Root hash of the checkpoint")
X(CONTENT, "    Мазмұны, қалай келсе солай:", "    Содержание, как оно поступило:", "    Content, as it came:")
X(SHEET_PROVEN, "Дәлелденеді: әр жазба көрсетілген нөмірмен қол қойылған журналда тұр, оның бір байты да өзгермеген.",
  "Доказано: каждая запись стоит под указанным номером в подписанном журнале, ни один её байт не изменён.",
  "Proven: each record stands under its number in the signed log, and not one byte of it was changed.")
X(SHEET_NOT_PROVEN, "Дәлелденбейді: дереккөздің жазғаны шындыққа сай екені; көрсетілмеген жазбалар.",
  "Не доказано: что написанное источником соответствует действительности; записи, которые здесь не показаны.",
  "Not proven: that what the source wrote is true; records that are not shown here.")
X(VISIBLE, "Кері қиғаш сызық \\\\ түрінде, басқару таңбалары мен UTF-8 емес байттар \\xNN түрінде жазылған.",
  "Обратная косая черта записана как \\\\, управляющие символы и байты не в UTF-8 — как \\xNN.",
  "A backslash is written \\\\, control characters and bytes that are not UTF-8 are written \\xNN.")
X(CHECK, "Тексеру (желісіз және серверсіз): {1}", "Проверка (без сети и без сервера): {1}",
  "To check (without a network and without the server): {1}")
X(CERT_TITLE, "ТОЛЫҚТЫҚ КУӘЛІГІ", "СВИДЕТЕЛЬСТВО ПОЛНОТЫ", "COMPLETENESS CERTIFICATE")
X(CERT_DATE, "Тәулік", "Сутки", "Day")
X(CERT_FROM, "Тәуліктің басы", "Начало суток", "The day begins")
X(CERT_TO, "Тәуліктің соңы", "Конец суток", "The day ends")
X(CERT_WINDOW, "Қаралған жазбалар", "Рассмотрены записи", "Records looked at")
X(CERT_RECORDS, "Осы дереккөздің жазбалары", "Записей этого источника", "Records of this source")
X(CERT_UNFINISHED,
  "    Ескерту: бақылау нүктесінде тәуліктің соңы әлі жоқ; куәлік соңғы қаралған жазбаға дейін ғана береді.",
  "    Внимание: конец суток ещё не вошёл в контрольную точку; свидетельство даётся до последней рассмотренной записи.",
  "    Note: the end of the day is not in the checkpoint yet; this certificate reaches to the last record looked at.")
X(CERT_NONE, "    Осы тәулікте бұл дереккөзден бірде-бір жазба келмеген.",
  "    За эти сутки от этого источника не поступило ни одной записи.", "    No record of this source came on this day.")
X(CERT_RUN, "    Дәуір {1}: {2}", "    Эпоха {1}: {2}", "    Epoch {1}: {2}")
X(CERT_MISSING, "    ЖОҚ, дәуір {1}: {2} реттік нөмірлері", "    ОТСУТСТВУЮТ, эпоха {1}: порядковые номера {2}",
  "    MISSING, epoch {1}: sequences {2}")
X(CERT_LOSS, "    ЖОҒАЛҒАНЫ БЕЛГІЛІ, {1}-жазба: {2}", "    ИЗВЕСТНАЯ ПОТЕРЯ, запись {1}: {2}",
  "    KNOWN LOSS, record {1}: {2}")
X(CERT_SILENCE, "    ЖАЗБАСЫЗ УАҚЫТ: {1} — {2}", "    ВРЕМЯ БЕЗ ЗАПИСЕЙ: {1} — {2}",
  "    TIME WITHOUT ANY RECORD: {1} — {2}")
X(CERT_NO_MISSING, "    Дәуірлер ішінде жоқ реттік нөмір жоқ.", "    Пропусков порядковых номеров внутри эпох нет.",
  "    No sequence is missing within the epochs.")
X(CERT_NO_LOSS, "    Жоғалу туралы жазба жоқ.", "    Записей о потерях нет.", "    There is no record of a loss.")
X(CERT_NO_SILENCE, "    Мұрағат 30 секундтан артық жазбасыз тұрмаған.",
  "    Архив не оставался без записей дольше 30 секунд.",
  "    The archive was never without a record for more than 30 seconds.")
X(CERT_CLAIMS,
  "Куәландырылады: қаралған нөмірлердің ішінде бұл дереккөздің барлық жазбалары жоғарыда аталған; әр дәуірде аталған "
  "реттік нөмірлердің бәрі бар, жоқтары аталған.",
  "Удостоверяется: среди рассмотренных номеров все записи этого источника названы выше; в каждой эпохе названные "
  "порядковые номера присутствуют все, отсутствующие названы.",
  "Certified: within the numbers looked at, all records of this source are named above; in each epoch all sequences "
  "named are present, and those missing are named.")
X(CERT_NOT_CLAIMS,
  "Куәландырылмайды: агентке немесе қабылдауға дейін жоғалған оқиғалар; дәуірдің бірінші реттік нөміріне дейінгілер "
  "(олар алдыңғы тәуліктің куәлігінде); дереккөздің жазғаны шындыққа сай екені.",
  "Не удостоверяется: события, утраченные до агента или до приёма; номера до первого в эпохе (они — в свидетельстве "
  "предыдущих суток); что написанное источником соответствует действительности.",
  "Not certified: events lost before the agent or before reception; sequences before the first of an epoch (they "
  "belong to the previous day's certificate); that what the source wrote is true.")
X(CERT_EDGES,
  "Әр аралықтың бірінші және соңғы жазбалары дәлелдемемен қоса берілген; аралықтағы саны журналға енгізілген осы "
  "куәліктің хешімен бекітілген және мұрағат бойынша қайта саналады (--data).",
  "Первая и последняя запись каждого отрезка приложены с доказательством; количество между ними закреплено хешем этого "
  "свидетельства, внесённым в журнал, и пересчитывается по архиву (--data).",
  "The first and the last record of each run are attached with their proofs; the count between them is bound by the "
  "hash of this certificate in the log and is recounted from the archive (--data).")
