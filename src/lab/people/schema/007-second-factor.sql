-- Whose roles count only in a session that was opened with a passkey or a code of an app: '' nobody's, 'managers', 'everybody'.
ALTER TABLE access_policy ADD COLUMN second_factor TEXT NOT NULL DEFAULT '';
