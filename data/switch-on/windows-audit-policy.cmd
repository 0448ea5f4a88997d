@echo off
rem Windows advanced audit policy for order 52/НҚ, Annex 4, paragraphs 1.2-1.13 and 4.1-4.11.
rem Run as administrator; for a domain set the same in a GPO (windows-gpo.txt). {GUID}s are the same in every language.
rem 1.4, 4.1, 4.2 sign-in, sign-out, network sign-in, special privileges (4624, 4625, 4634, 4672)
auditpol /set /subcategory:{0CCE9215-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9216-69AE-11D9-BED3-505054503030} /success:enable
auditpol /set /subcategory:{0CCE921B-69AE-11D9-BED3-505054503030} /success:enable
auditpol /set /subcategory:{0CCE9217-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE923F-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
rem 1.6 accounts and groups (4720, 4726, 4738)
auditpol /set /subcategory:{0CCE9235-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9237-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
rem 1.9 use of privileges (4673, 4674)
auditpol /set /subcategory:{0CCE9228-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
rem 1.2, 1.12, 4.3, 4.4, 4.10, 4.11 objects: files, shares (5140, 5145), registry (4657), WMI (4662); see windows-sacl.ps1
auditpol /set /subcategory:{0CCE921D-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE921E-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9224-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9244-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9227-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
rem 1.13, 4.7 processes (4688, 4689) and scheduled tasks (4698, 4702)
auditpol /set /subcategory:{0CCE922B-69AE-11D9-BED3-505054503030} /success:enable
auditpol /set /subcategory:{0CCE922C-69AE-11D9-BED3-505054503030} /success:enable
reg add HKLM\Software\Microsoft\Windows\CurrentVersion\Policies\System\Audit /v ProcessCreationIncludeCmdLine_Enabled /t REG_DWORD /d 1 /f
wevtutil sl Microsoft-Windows-TaskScheduler/Operational /e:true
rem 1.5, 1.7, 1.8, 4.6 policy changes, firewall, system, services (4719, 4946, 1102, 4697, 4616)
auditpol /set /subcategory:{0CCE922F-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9232-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9210-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
auditpol /set /subcategory:{0CCE9211-69AE-11D9-BED3-505054503030} /success:enable /failure:enable
rem 1.10 devices (6416)
auditpol /set /subcategory:{0CCE9248-69AE-11D9-BED3-505054503030} /success:enable
rem room for the logs, so that nothing is overwritten before it was sent
wevtutil sl Security /ms:1073741824
wevtutil sl System /ms:268435456
wevtutil sl Application /ms:268435456
