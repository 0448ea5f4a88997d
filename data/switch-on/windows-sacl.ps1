# Which objects Windows audits, for order 52/НҚ, Annex 4, paragraphs 1.2, 4.4, 4.10, 4.11. Run as administrator after
# windows-audit-policy.cmd. Change the folders and keys to those that hold what is worth protecting.
$folders = 'C:\Data', 'C:\inetpub'
$keys = 'HKLM:\SYSTEM\CurrentControlSet\Services', 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Run'
$everyone = New-Object System.Security.Principal.SecurityIdentifier 'S-1-1-0'

foreach ($folder in $folders | Where-Object { Test-Path $_ }) {
    $acl = Get-Acl -Path $folder -Audit
    $rights = 'WriteData, AppendData, Delete, DeleteSubdirectoriesAndFiles, ReadData'
    $acl.AddAuditRule((New-Object System.Security.AccessControl.FileSystemAuditRule(
        $everyone, $rights, 'ContainerInherit, ObjectInherit', 'None', 'Success, Failure')))
    Set-Acl -Path $folder -AclObject $acl
}
foreach ($key in $keys | Where-Object { Test-Path $_ }) {
    $acl = Get-Acl -Path $key -Audit
    $acl.AddAuditRule((New-Object System.Security.AccessControl.RegistryAuditRule(
        $everyone, 'SetValue, CreateSubKey, Delete', 'ContainerInherit', 'None', 'Success, Failure')))
    Set-Acl -Path $key -AclObject $acl
}
# 4.11 WMI: writes to the namespace root\subscription are logged as 4662
$security = Get-WmiObject -Namespace 'root/subscription' -Class __SystemSecurity
$descriptor = $security.GetSecurityDescriptor().Descriptor
$ace = (New-Object System.Management.ManagementClass('Win32_ACE')).CreateInstance()
$ace.AccessMask = 0x1C # full write, partial write, provider write
$ace.AceFlags = 0xC2   # success, failure, inherited by namespaces below
$ace.AceType = 2       # system audit
$trustee = (New-Object System.Management.ManagementClass('Win32_Trustee')).CreateInstance()
$trustee.SidString = 'S-1-1-0'
$ace.Trustee = $trustee
$descriptor.SACL += $ace
$descriptor.ControlFlags = $descriptor.ControlFlags -bor 0x10
$security.SetSecurityDescriptor($descriptor) | Out-Null
