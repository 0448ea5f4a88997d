#include "base/macros.h"
#include "bench/gen_windows.h"

/* The members that every event of a channel has, before and after its own. */
#define SYSMON(id, version, category)                                                                                  \
    "{'Keywords':-9223372036854775808,'SeverityValue':2,'EventID':" #id                                                \
    ",'ProviderGuid':'{5770385F-C22A-43E0-BF4C-06F5698FFBD9}','ExecutionProcessID':$X,'host':'wec.qala.example',"      \
    "'Channel':'Microsoft-Windows-Sysmon/Operational','UserID':'S-1-5-18','AccountType':'User','ThreadID':$T,"         \
    "'EventReceivedTime':'$r','Opcode':'Info','EventTime':'$e','SourceModuleType':'im_msvistalog','port':64545,"       \
    "'AccountName':'SYSTEM','RecordNumber':$N,'Task':" #id ",'Domain':'NT AUTHORITY','@version':'1','OpcodeValue':0,"  \
    "'SourceModuleName':'eventlog','Severity':'INFO','SourceName':'Microsoft-Windows-Sysmon','Version':" #version      \
    ",'Category':'" category "','RuleName':'-','UtcTime':'$u','@timestamp':'$zZ',"
#define SECURITY(id, task, category)                                                                                   \
    "{'Keywords':-9214364837600034816,'SeverityValue':2,'EventID':" #id                                                \
    ",'ProviderGuid':'{54849625-5478-4994-A5BA-3E3B0328C30D}','ExecutionProcessID':4,'Channel':'Security',"            \
    "'host':'wec.qala.example','EventReceivedTime':'$r','ThreadID':$T,'EventType':'AUDIT_SUCCESS','Opcode':'Info',"    \
    "'EventTime':'$e','@timestamp':'$zZ','SourceModuleType':'im_msvistalog','port':64545,'RecordNumber':$N,'Task'"     \
    ":" #task ",'@version':'1','OpcodeValue':0,'SourceModuleName':'eventlog','Severity':'INFO',"                       \
    "'SourceName':'Microsoft-Windows-Security-Auditing','Version':1,'Category':'" category "',"
#define POWERSHELL(id, channel, source, category)                                                                      \
    "{'Keywords':0,'SeverityValue':2,'EventID':" #id ",'ExecutionProcessID':$p,'Channel':'" channel                    \
    "','host':'wec.qala.example','UserID':'S-1-5-18','AccountType':'User','EventReceivedTime':'$r','ThreadID':$S,"     \
    "'EventType':'INFO','Opcode':'To be used when operation is just executing a method','EventTime':'$e',"             \
    "'@timestamp':'$zZ','SourceModuleType':'im_msvistalog','port':64545,'RecordNumber':$N,'Task':106,'@version':'1',"  \
    "'OpcodeValue':20,'SourceModuleName':'eventlog','Severity':'INFO','SourceName':'" source "','Category':'" category \
    "',"
#define END "'Hostname':'$H','tags':['windows']}"

#define PROCESS "'ProcessGuid':'$g','ProcessId':'$p','Image':'$i',"
#define BINARY                                                                                                         \
    "'FileVersion':'$v','Description':'$d','Product':'Example Operating System','Company':'Example Corporation',"      \
    "'OriginalFileName':'$O','Hashes':'$h',"
#define BINARY_TEXT                                                                                                    \
    "^FileVersion: $v^Description: $d^Product: Example Operating System^Company: Example Corporation^"                 \
    "OriginalFileName: $O"
#define SUBJECT                                                                                                        \
    "'SubjectUserSid':'S-1-5-18','SubjectUserName':'$n',"                                                              \
    "'SubjectDomainName':'QALA','SubjectLogonId':'$l',"
#define SUBJECT_TEXT "^^Subject:^~Security ID:~~S-1-5-18^~Account Name:~~$n^~Account Domain:~~QALA^~Logon ID:~~$l^^"
#define CONTEXT                                                                                                        \
    "Severity = Informational^        Host Name = ConsoleHost^        Host Version = 5.1.19041.1^        Host ID = $g" \
    "^        Host Application = C:`Windows`System32`WindowsPowerShell`v1.0`powershell.exe^        Engine Version = "  \
    "5.1.19041.1^        Runspace ID = $G^        Pipeline ID = $P^        Command Name = $k^        Command Type = "  \
    "Cmdlet^        Script Name = ^        Command Path = ^        Sequence Number = $q^        User = QALA`$n^"       \
    "        Connected User = ^        Shell ID = Microsoft.PowerShell"

const struct gen_windows_kind gen_windows_kinds[] = {
    {42, 16, 0, false, false,
     SYSMON(10, 3,
            "Process accessed (rule: ProcessAccess)") "'EventType':'INFO','SourceProcessGUID':'$g','SourceProcessId':'$"
                                                      "p','SourceThreadId':'$S','SourceImage':'$i',"
                                                      "'TargetProcessGUID':'$G','TargetProcessId':'$P','TargetImage':'$"
                                                      "I','GrantedAccess':'$a','CallTrace':'$C',"
                                                      "'Message':'Process accessed:^RuleName: -^UtcTime: "
                                                      "$u^SourceProcessGUID: $g^SourceProcessId: $p^SourceThreadId: $S"
                                                      "^SourceImage: $i^TargetProcessGUID: $G^TargetProcessId: "
                                                      "$P^TargetImage: $I^GrantedAccess: $a^CallTrace: $C'," END},
    {10, 18, 0, true, false,
     SYSMON(12, 2,
            "Registry object added or deleted (rule: RegistryEvent)") "'EventType':'CreateKey','EventTypeOrignal':'"
                                                                      "INFO'," PROCESS "'TargetObject':'$K',"
                                                                      "'Message':'Registry object added or "
                                                                      "deleted:^RuleName: -^EventType: "
                                                                      "CreateKey^UtcTime: $u^ProcessGuid: $g^"
                                                                      "ProcessId: $p^Image: $i^TargetObject: $K'," END},
    {6, 14, 0, true, false,
     SYSMON(13, 2,
            "Registry value set (rule: RegistryEvent)") "'EventType':'SetValue','EventTypeOrignal':'INFO'," PROCESS
                                                        "'TargetObject':'$K','Details':'DWORD (0x00000001)',"
                                                        "'Message':'Registry value set:^RuleName: -^EventType: "
                                                        "SetValue^UtcTime: $u^ProcessGuid: $g^ProcessId: $p^"
                                                        "Image: $i^TargetObject: $K^Details: DWORD (0x00000001)'," END},
    {8, 18, 0, true, true,
     SYSMON(7, 3, "Image loaded (rule: ImageLoad)") "'EventType':'INFO'," PROCESS "'ImageLoaded':'$M'," BINARY
                                                    "'Signed':'true','Signature':'Example "
                                                    "Corporation','SignatureStatus':'Valid',"
                                                    "'Message':'Image loaded:^RuleName: -^UtcTime: $u^ProcessGuid: "
                                                    "$g^ProcessId: $p^Image: $i^ImageLoaded: $M" BINARY_TEXT
                                                    "^Hashes: $h^Signed: true^Signature: Example "
                                                    "Corporation^SignatureStatus: Valid'," END},
    {5, 2, 0, false, false,
     SYSMON(11, 2,
            "File created (rule: FileCreate)") "'EventType':'INFO'," PROCESS
                                               "'TargetFilename':'C:`Windows`Temp`$D.tmp','CreationUtcTime':'$u',"
                                               "'Message':'File created:^RuleName: -^UtcTime: $u^ProcessGuid: "
                                               "$g^ProcessId: $p^Image: $i^TargetFilename: "
                                               "C:`Windows`Temp`$D.tmp^CreationUtcTime: $u'," END},
    {6, 2, 0, false, false,
     SYSMON(3, 5,
            "Network connection detected (rule: NetworkConnect)") "'EventType':'INFO'," PROCESS
                                                                  "'User':'$U','Protocol':'tcp','Initiated':'true','"
                                                                  "SourceIsIpv6':'false',"
                                                                  "'SourceIp':'$c','SourceHostname':'-','SourcePort':'$"
                                                                  "o','SourcePortName':'-','DestinationIsIpv6':'false',"
                                                                  "'DestinationIp':'$s','DestinationHostname':'-','"
                                                                  "DestinationPort':'443','DestinationPortName':'-',"
                                                                  "'Message':'Network connection detected:^RuleName: "
                                                                  "-^UtcTime: $u^ProcessGuid: $g^ProcessId: $p^Image: "
                                                                  "$i^User: $U^"
                                                                  "Protocol: tcp^Initiated: true^SourceIsIpv6: "
                                                                  "false^SourceIp: $c^SourceHostname: -^SourcePort: "
                                                                  "$o^SourcePortName: -"
                                                                  "^DestinationIsIpv6: false^DestinationIp: "
                                                                  "$s^DestinationHostname: -^DestinationPort: "
                                                                  "443^DestinationPortName: -'," END},
    {5, 1, 0, false, false,
     SYSMON(1, 5,
            "Process Create (rule: ProcessCreate)") "'EventType':'INFO'," PROCESS
         BINARY "'CommandLine':'$i -k netsvcs -p','CurrentDirectory':'C:`Windows`System32`',"
                                                    "'User':'$U','LogonGuid':'$G','LogonId':'$l','TerminalSessionId':'"
                                                    "1','IntegrityLevel':'Medium',"
                                                    "'ParentProcessGuid':'$G','ParentProcessId':'$P','ParentImage':'$I'"
                                                    ",'ParentCommandLine':'$I',"
                                                    "'Message':'Process Create:^RuleName: -^UtcTime: $u^ProcessGuid: "
                                                    "$g^ProcessId: $p^Image: $i" BINARY_TEXT
                                                    "^CommandLine: $i -k netsvcs -p^CurrentDirectory: "
                                                    "C:`Windows`System32`^User: $U^LogonGuid: $G^LogonId: $l^"
                                                    "TerminalSessionId: 1^IntegrityLevel: Medium^Hashes: "
                                                    "$h^ParentProcessGuid: $G^ParentProcessId: $P^ParentImage: $I^"
                                                    "ParentCommandLine: $I'," END},
    {10, 10, 1, true, false,
     SECURITY(4656, 12801, "Registry") SUBJECT
     "'ObjectServer':'Security','ObjectType':'Key','ObjectName':'$K','HandleId':'$D','AccessMask':'0x20019',"
     "'AccessReason':'-','PrivilegeList':'-','RestrictedSidCount':'0','ResourceAttributes':'-','ProcessId':'$x',"
     "'ProcessName':'$i','TransactionId':'{00000000-0000-0000-0000-000000000000}',"
     "'Message':'A handle to an object was requested." SUBJECT_TEXT "Object:^~Object Server:~~Security^~Object Type:~~"
     "Key^~Object Name:~~$K^~Handle ID:~~$D^~Resource Attributes:~-^^Process Information:^~Process ID:~~$x^~"
     "Process Name:~~$i^^Access Request Information:^~Transaction ID:~~{00000000-0000-0000-0000-000000000000}^~"
     "Accesses:~~READ_CONTROL^~~~~Query key value^~~~~Enumerate sub-keys^~~~~Notify about changes to keys^~~~~^~"
     "Access Reasons:~~-^~Access Mask:~~0x20019^~Privileges Used for Access Check:~-^~Restricted SID Count:~0'," END},
    {10, 11, 1, false, false,
     SECURITY(4658, 12801, "Registry") SUBJECT
     "'ObjectServer':'Security','HandleId':'$D','ProcessId':'$x','ProcessName':'$i',"
     "'Message':'The handle to an object was closed." SUBJECT_TEXT "Object:^~Object Server:~~Security^~Handle ID:~~$D^^"
     "Process Information:^~Process ID:~~$x^~Process Name:~~$i'," END},
    {12, 5, 1, false, false,
     SECURITY(5156, 12810,
              "Filtering Platform Connection") "'ProcessId':'$p','Application':'`device`harddiskvolume2`windows`"
                                               "system32`$O','Direction':'%%14593',"
                                               "'SourceAddress':'$c','SourcePort':'$o','DestAddress':'$s','DestPort':'"
                                               "443','Protocol':'6','FilterRTID':'69686',"
                                               "'LayerName':'%%14611','LayerRTID':'48','RemoteUserID':'S-1-0-0','"
                                               "RemoteMachineID':'S-1-0-0',"
                                               "'Message':'The Windows Filtering Platform has permitted a "
                                               "connection.^^Application Information:^~Process ID:~~$p^~"
                                               "Application Name:~`device`harddiskvolume2`windows`system32`$O^^Network "
                                               "Information:^~Direction:~~Outbound^~"
                                               "Source Address:~~$c^~Source Port:~~$o^~Destination "
                                               "Address:~$s^~Destination Port:~~443^~Protocol:~~6^^"
                                               "Filter Information:^~Filter Run-Time ID:~69686^~Layer "
                                               "Name:~~Connect^~Layer Run-Time ID:~48'," END},
    {6, 2, 1, false, false,
     SECURITY(4624, 12544, "Logon") SUBJECT
     "'TargetUserSid':'S-1-5-18','TargetUserName':'$n','TargetDomainName':'QALA','TargetLogonId':'$l','LogonType':'3',"
     "'LogonProcessName':'Kerberos','AuthenticationPackageName':'Kerberos','WorkstationName':'-','LogonGuid':'$G',"
     "'IpAddress':'$s','IpPort':'$o','ProcessName':'-','ProcessId':'0x0','ImpersonationLevel':'%%1833',"
     "'Message':'An account was successfully logged on." SUBJECT_TEXT "Logon Information:^~Logon Type:~~3^~Elevated "
     "Token:~~Yes^^New Logon:^~Security ID:~~S-1-5-18^~Account Name:~~$n^~Account Domain:~~QALA^~Logon ID:~~$l^~"
     "Logon GUID:~~$G^^Network Information:^~Source Network Address:~$s^~Source Port:~~$o'," END},
    {8, 8, 2, true, false,
     POWERSHELL(4103, "Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell",
                "Executing Pipeline") "'Payload':'$w','ContextInfo':'" CONTEXT
                                      "','Message':'$w^^Context:^        " CONTEXT "^^User Data:^'," END},
    {6, 8, 2, true, false,
     POWERSHELL(800, "Windows PowerShell", "PowerShell",
                "Pipeline Execution Details") "'Payload':'$w','Message':'Pipeline execution details for command line: "
                                              "$k.^^Context Information:^        " CONTEXT "^^Details:^$w'," END},
};
const size_t gen_windows_kind_count = ARRAY_LEN(gen_windows_kinds);
