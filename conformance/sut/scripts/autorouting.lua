-- What the kit stores to have something sent: StudyDescription names a peer of the kit's, and
-- ImageComments the instances, parted by spaces. Nothing else is sent.
function OnStoredInstance(instance, tags)
   local peer, instances = tags['StudyDescription'], tags['ImageComments']
   if peer and instances and string.find(peer, 'orthanc-jobs-', 1, true) == 1 then
      for each in string.gmatch(instances, '%S+') do
         SendToPeer(each, peer)
      end
   end
end
