-- An attestation that is about to expire is renewed: a verification of its own, over what is known already.

set local role lacuna_owner;
set local search_path = lacuna;

alter table verification
  drop constraint verification_cause_check,
  add constraint verification_cause_check
    check (cause in ('release', 'commitments', 'schedule', 'operator', 'signals', 'renewal'));
