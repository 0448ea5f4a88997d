/* qorgan_verify_texts.h - what qorgan-verify says: X(id, English, Russian, Kazakh). {1} and {2} are filled in. Labels
 * that papers have too are those of data/i18n/paper.tsv (print_paper_row).
 * Included where X is defined. */
X(PROVEN, "PROVEN: record {1} stands unchanged in the signed log.",
  "ДОКАЗАНО: запись {1} содержится в подписанном журнале без изменений.",
  "ДӘЛЕЛДЕНДІ: {1}-жазба қол қойылған журналда өзгеріссіз тұр.")
X(NOT_PROVEN, "NOT PROVEN: {1}", "НЕ ДОКАЗАНО: {1}", "ДӘЛЕЛДЕНБЕДІ: {1}")
X(TREE_SIZE, "Records in the log", "Записей в журнале", "Журналдағы жазбалар")
X(ROOT, "Root hash", "Корневой хеш", "Түбірлік хеш")
X(KEY, "Signed with key", "Подписано ключом", "Қол қойылған кілт")
X(WITNESS, "Cosigned by", "Заверено свидетелем", "Растаған куәгер")
X(NO_WITNESS, "Cosigned by: nobody that was asked for", "Заверено: свидетели не требовались",
  "Растаған: куәгер талап етілмеді")
X(SEQUENCE, "Sequence by the source", "Номер у источника", "Дереккөздегі нөмір")
X(LEAF_HASH, "Leaf hash", "Хеш записи", "Жазба хеші")
X(CONTENT, "Content of the record:", "Содержание записи:", "Жазба мазмұны:")
X(CUT, "({1} bytes more)", "(ещё {1} байт)", "(тағы {1} байт)")
X(NO_LEAF, "the proof carries no record; give it with --leaf", "в доказательстве нет записи; укажите её через --leaf",
  "дәлелдемеде жазба жоқ; оны --leaf арқылы көрсетіңіз")
X(BAD_LEAF, "the record is damaged: {1}", "запись повреждена: {1}", "жазба бүлінген: {1}")
X(LEAF_NUMBER, "the record calls itself number {1}, the proof is of number {2}",
  "запись называет себя номером {1}, а доказательство дано для номера {2}",
  "жазба өзін {1} деп атайды, дәлелдеме {2} нөміріне берілген")
X(LEAF_LENGTH, "the record's length does not agree with its header", "длина записи не соответствует её заголовку",
  "жазба ұзындығы оның тақырыбына сәйкес емес")
X(AUDIT_GOOD, "PROVEN: the archive is whole and agrees with every signed checkpoint.",
  "ДОКАЗАНО: архив цел и согласуется с каждой подписанной контрольной точкой.",
  "ДӘЛЕЛДЕНДІ: мұрағат бүтін және әрбір қол қойылған бақылау нүктесіне сәйкес.")
X(AUDIT_BAD, "NOT PROVEN: the archive is damaged: {1}", "НЕ ДОКАЗАНО: архив повреждён: {1}",
  "ДӘЛЕЛДЕНБЕДІ: мұрағат бүлінген: {1}")
X(AUDIT_RECORDS, "Records checked", "Проверено записей", "Тексерілген жазбалар")
X(AUDIT_SEGMENTS, "Segments", "Сегментов", "Сегменттер")
X(AUDIT_GONE_SEGMENTS, "Deleted segments", "Удалено сегментов", "Жойылған сегменттер")
X(AUDIT_GONE_RECORDS, "Deleted records", "Удалено записей", "Жойылған жазбалар")
X(AUDIT_LOG_FILES, "Log files", "Файлов журнала", "Журнал файлдары")
X(AUDIT_CHECKPOINTS, "Checkpoints checked", "Проверено контрольных точек", "Тексерілген бақылау нүктелері")
X(AUDIT_COVERED, "Records under signature", "Записей под подписью", "Қол қойылған жазбалар")
X(AUDIT_COSIGNED, "Records under cosignature", "Записей, заверенных свидетелями", "Куәгерлер растаған жазбалар")
X(AUDIT_UNCOVERED, "Records not yet signed", "Записей ещё без подписи", "Әлі қол қойылмаған жазбалар")
X(AUDIT_WARNING, "Note: {1}", "Замечание: {1}", "Ескерту: {1}")
X(AUDIT_PLACE, "Place: file {1}, byte {2}", "Место: файл {1}, байт {2}", "Орны: {1} файлы, {2}-байт")
X(AUDIT_FILE, "Place: file {1}", "Место: файл {1}", "Орны: {1} файлы")
X(CHECKPOINT_GOOD, "PROVEN: the checkpoint is signed as the policy asks.",
  "ДОКАЗАНО: контрольная точка подписана, как требует политика.",
  "ДӘЛЕЛДЕНДІ: бақылау нүктесіне саясат талап еткендей қол қойылған.")
X(STAMPED, "Time-stamped", "Метка времени", "Уақыт белгісі")
X(SHEET_GOOD,
  "PROVEN: all records of the sheet stand unchanged in the signed log, and the sheet says what they say: {1}.",
  "ДОКАЗАНО: все записи листа содержатся в подписанном журнале без изменений, и лист говорит то же, что они: {1}.",
  "ДӘЛЕЛДЕНДІ: парақтың барлық жазбалары қол қойылған журналда өзгеріссіз тұр, парақта да сол жазылған: {1}.")
X(CERTIFICATE_GOOD,
  "PROVEN: the certificate is whole and was stated in the log; records {1}. Counts: recount with --data.",
  "ДОКАЗАНО: свидетельство цело и внесено в журнал; записи {1}. Пересчёт по архиву: --data.",
  "ДӘЛЕЛДЕНДІ: куәлік бүтін және журналға енгізілген; жазбалар {1}. Мұрағат бойынша қайта санау: --data.")
X(CERTIFICATE_RECOUNTED, "PROVEN: the archive is whole, and a recount of records {1} gives the certificate's counts.",
  "ДОКАЗАНО: архив цел, пересчёт записей {1} даёт то же, что в свидетельстве.",
  "ДӘЛЕЛДЕНДІ: мұрағат бүтін, {1} жазбаларын қайта санау куәліктегіні береді.")
X(EXPORT_GOOD, "PROVEN: the exported file is whole, was stated in the log, and its {1} lines stand for records of it.",
  "ДОКАЗАНО: выгруженный файл цел, внесён в журнал, его строки ({1}) соответствуют записям журнала.",
  "ДӘЛЕЛДЕНДІ: шығарылған файл бүтін, журналға енгізілген, оның {1} жолы журнал жазбаларына сай.")
X(SEALED, "  In the log: record {1} holds the SHA-256.", "  В журнале: запись {1} содержит SHA-256.",
  "  Журналда: {1}-жазбада SHA-256 тұр.")
X(USAGE,
  "usage: qorgan-verify (--policy FILE | --vkey KEY) --proof FILE [--leaf FILE] [--json]\n"
  "       qorgan-verify (--policy FILE | --vkey KEY) --data FOLDER\n"
  "                     [--stamp-ca FILE] [--master-key FILE] [--json]\n"
  "       qorgan-verify (--policy FILE | --vkey KEY) --checkpoint FILE\n"
  "                     [--stamp FILE --stamp-ca FILE] [--json]\n"
  "       qorgan-verify --vkey KEY --certificate FILE [--data FOLDER] [--json]\n"
  "       qorgan-verify --vkey KEY --export FILE [--proof FILE] [--json]\n"
  "\n"
  "Checks, without a network and without the server, that a record stands in a signed\n"
  "log, or that a whole archive is unchanged.\n"
  "\n"
  "  --proof FILE    the exported proof (sheet or C2SP tlog-proof)\n"
  "  --certificate FILE  a completeness certificate; with --data it is recounted\n"
  "  --export FILE   an exported file, against FILE.proof\n"
  "  --leaf FILE     the record, when the proof does not carry it\n"
  "  --vkey KEY      the log's public key: name+hash+base64\n"
  "  --policy FILE   whom to believe: logs, witnesses, quorum (C2SP tlog-policy)\n"
  "  --data FOLDER   the archive's folder: every record and checkpoint is checked\n"
  "  --master-key FILE  master keys of an encrypted archive\n"
  "  --checkpoint FILE  one signed checkpoint\n"
  "  --stamp FILE    its time stamp (RFC 3161), judged by the certificates of --stamp-ca\n"
  "  --json          the result as JSON\n"
  "  --version       the program's version\n"
  "\n"
  "Exit status: 0 proven, 1 not proven, 2 wrong usage or an unreadable file.\n",
  "использование: qorgan-verify (--policy ФАЙЛ | --vkey КЛЮЧ) --proof ФАЙЛ [--leaf ФАЙЛ] [--json]\n"
  "               qorgan-verify (--policy ФАЙЛ | --vkey КЛЮЧ) --data ПАПКА\n"
  "                             [--stamp-ca ФАЙЛ] [--master-key ФАЙЛ] [--json]\n"
  "               qorgan-verify (--policy ФАЙЛ | --vkey КЛЮЧ) --checkpoint ФАЙЛ\n"
  "                             [--stamp ФАЙЛ --stamp-ca ФАЙЛ] [--json]\n"
  "               qorgan-verify --vkey КЛЮЧ --certificate ФАЙЛ [--data ПАПКА] [--json]\n"
  "               qorgan-verify --vkey КЛЮЧ --export ФАЙЛ [--proof ФАЙЛ] [--json]\n"
  "\n"
  "Проверяет без сети и без сервера, что запись содержится в подписанном журнале\n"
  "или что весь архив не изменён.\n"
  "\n"
  "  --proof ФАЙЛ    выгруженное доказательство (C2SP tlog-proof)\n"
  "  --certificate ФАЙЛ  свидетельство полноты; с --data оно пересчитывается\n"
  "  --export ФАЙЛ   выгруженный файл, по ФАЙЛ.proof\n"
  "  --leaf ФАЙЛ     запись, если её нет в доказательстве\n"
  "  --vkey КЛЮЧ     открытый ключ журнала: имя+хеш+base64\n"
  "  --policy ФАЙЛ   кому верить: журналы, свидетели, кворум (C2SP tlog-policy)\n"
  "  --data ПАПКА    папка архива: проверяются все записи и контрольные точки\n"
  "  --master-key ФАЙЛ  главные ключи зашифрованного архива\n"
  "  --checkpoint ФАЙЛ  одна подписанная контрольная точка\n"
  "  --stamp ФАЙЛ    её метка времени (RFC 3161), по сертификатам из --stamp-ca\n"
  "  --json          результат в виде JSON\n"
  "  --version       версия программы\n"
  "\n"
  "Код завершения: 0 доказано, 1 не доказано, 2 неверный вызов или файл не читается.\n",
  "қолданылуы: qorgan-verify (--policy ФАЙЛ | --vkey КІЛТ) --proof ФАЙЛ [--leaf ФАЙЛ] [--json]\n"
  "            qorgan-verify (--policy ФАЙЛ | --vkey КІЛТ) --data ҚАЛТА\n"
  "                          [--stamp-ca ФАЙЛ] [--master-key ФАЙЛ] [--json]\n"
  "            qorgan-verify (--policy ФАЙЛ | --vkey КІЛТ) --checkpoint ФАЙЛ\n"
  "                          [--stamp ФАЙЛ --stamp-ca ФАЙЛ] [--json]\n"
  "            qorgan-verify --vkey КІЛТ --certificate ФАЙЛ [--data ҚАЛТА] [--json]\n"
  "            qorgan-verify --vkey КІЛТ --export ФАЙЛ [--proof ФАЙЛ] [--json]\n"
  "\n"
  "Жазбаның қол қойылған журналда тұрғанын немесе бүкіл мұрағаттың өзгермегенін\n"
  "желісіз және серверсіз тексереді.\n"
  "\n"
  "  --proof ФАЙЛ    шығарылған дәлелдеме (C2SP tlog-proof)\n"
  "  --certificate ФАЙЛ  толықтық куәлігі; --data болса, қайта саналады\n"
  "  --export ФАЙЛ   шығарылған файл, ФАЙЛ.proof бойынша\n"
  "  --leaf ФАЙЛ     дәлелдемеде жазба болмаса, жазбаның өзі\n"
  "  --vkey КІЛТ     журналдың ашық кілті: атауы+хеш+base64\n"
  "  --policy ФАЙЛ   кімге сену керек: журналдар, куәгерлер, кворум (C2SP tlog-policy)\n"
  "  --data ҚАЛТА    мұрағат қалтасы: барлық жазба мен бақылау нүктесі тексеріледі\n"
  "  --master-key ФАЙЛ  шифрланған мұрағаттың басты кілттері\n"
  "  --checkpoint ФАЙЛ  бір қол қойылған бақылау нүктесі\n"
  "  --stamp ФАЙЛ    оның уақыт белгісі (RFC 3161), --stamp-ca сертификаттары бойынша\n"
  "  --json          нәтиже JSON түрінде\n"
  "  --version       бағдарлама нұсқасы\n"
  "\n"
  "Аяқталу коды: 0 дәлелденді, 1 дәлелденбеді, 2 қате шақыру немесе файл оқылмайды.\n")
