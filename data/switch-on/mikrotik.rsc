# MikroTik RouterOS for order 52/НҚ, Annex 4, paragraphs 15.1-15.7, 16, 17, 18-21. Import: /import mikrotik.rsc
# A fixed name and time: 17.1, 17.2
/system ntp client set enabled=yes servers=192.0.2.1
/system logging action add name=qorgan target=remote remote=192.0.2.10 remote-port=5514 bsd-syslog=yes syslog-time-format=bsd-syslog syslog-facility=local7
# 15.1-15.4, 15.6: start and stop, configuration, accounts, sign-in, refusals
/system logging add topics=system action=qorgan
/system logging add topics=account action=qorgan
/system logging add topics=critical action=qorgan
/system logging add topics=error action=qorgan
/system logging add topics=warning action=qorgan
# 15.5, 15.7: interfaces and links
/system logging add topics=interface action=qorgan
/system logging add topics=info action=qorgan
# 16: all traffic; the first rules of the chains, so that they see it all
/system logging add topics=firewall action=qorgan
/ip firewall filter add chain=forward action=log log-prefix=allow place-before=0 connection-state=new
/ip firewall filter add chain=forward action=drop log=yes log-prefix=deny
