-- What the kit stores to have something sent: StudyDescription names a peer of the kit's, and
-- ImageComments the instances, parted by spaces. Nothing else is sent. By an AccessionNumber it is
-- a copy of each that is sent: it is kept by "copy", and deleted by "chain".
function OnStoredInstance(instance, tags)
   local peer, instances, kind = tags['StudyDescription'], tags['ImageComments'], tags['AccessionNumber']
   if peer and instances and string.find(peer, 'orthanc-jobs-', 1, true) == 1 then
      for each in string.gmatch(instances, '%S+') do
         if kind == 'copy' or kind == 'chain' then
            each = ModifyInstance(each, { ReferringPhysicianName = 'copy' }, {}, false)
         end
         local sent = SendToPeer(each, peer)
         if kind == 'chain' then
            Delete(sent)
         end
      end
   end
end
