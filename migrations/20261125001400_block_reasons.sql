-- Why in English, where the service itself says why, which `reason` says in Korean. A person's reason is in the person's words.
ALTER TABLE blocks ADD COLUMN reason_en text CHECK (length(reason_en) BETWEEN 1 AND 1000);
